import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TokenSpansError } from '../../compute/model/errors.ts';
import type { Span } from '../../compute/model/tokenizer/token-text.ts';
import { Tokenizer } from '../../compute/model/tokenizer/tokenizer.ts';
import { demoModel } from '../support/demo-model.ts';
import { pythonHas, runPython } from '../support/python.ts';
import { sharedDir } from '../support/shared.ts';

const recordSchema = z.object({
  ids: z.array(z.array(z.int())),
  offsets: z.array(z.array(z.tuple([z.int(), z.int()]))).nullable(),
  decoded: z.array(z.string()),
});
const listSchema = z.array(z.object({ name: z.string(), path: z.string() }));

const given = [
  `${demoModel}checkpoint`,
  ...(sharedDir === undefined ? [] : [`${sharedDir}fixtures/fv/model_tiny-llama-a`]),
];
const names = ['llama3', 'qwen2', 'gpt2', 'llama2', 'unigram', ...given.map((_, i) => `given-${i}`)];

/** Where code points begin, in UTF-16 units. */
function unitsOf(text: string): number[] {
  const units = [0];
  for (const character of text) units.push(units.at(-1)! + character.length);
  return units;
}

/** Spans of a text's tokens; undefined where the tokenizer normalises it. */
function spansOf(tokenizer: Tokenizer, text: string): readonly Span[] | undefined {
  try {
    return tokenizer.encodeWithSpans(text).spans;
  } catch (error) {
    if (error instanceof TokenSpansError && text !== text.normalize('NFC')) return undefined;
    throw error;
  }
}

/** Log-probability of tokens by a unigram model; undefined for other models. */
async function unigramScores(path: string): Promise<((tokens: readonly number[]) => number) | undefined> {
  const schema = z.object({ model: z.object({ vocab: z.array(z.tuple([z.string(), z.number()])) }) });
  const parsed = schema.safeParse(JSON.parse(await readFile(join(path, 'tokenizer.json'), 'utf8')));
  if (!parsed.success) return undefined;
  const { vocab } = parsed.data.model;
  return (tokens) => tokens.reduce((sum, token) => sum + vocab[token]![1], 0);
}

describe.skipIf(!pythonHas('tokenizers'))("parity with Python's tokenizers", () => {
  let folder: string;
  let texts: string[];
  let paths: Map<string, string>;
  const read = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, file), 'utf8'));
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runlake-tokenizers-'));
    const script = fileURLToPath(new URL('../support/tokenizer_parity.py', import.meta.url));
    const listed = listSchema.parse(JSON.parse(await runPython(script, [folder, ...given])));
    paths = new Map(listed.map(({ name, path }) => [name, path]));
    texts = z.array(z.string()).parse(await read('texts.json'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(names)('%s: ids, texts and offsets', async (name) => {
    const path = paths.get(name)!;
    const tokenizer = await Tokenizer.load(path);
    const { ids, offsets, decoded } = recordSchema.parse(await read(`${name}.json`));
    expect(ids.length).toBe(name.startsWith('given') ? 10_000 : 2_500);
    const scores = await unigramScores(path);
    const differing: unknown[] = [];
    for (const [i, expected] of ids.entries()) {
      const text = texts[i]!;
      const tokens = tokenizer.encode(text);
      // Ways of equal probability: the library takes another than Python's does.
      const asGood = scores !== undefined && Math.abs(scores(tokens) - scores(expected)) < 1e-6;
      if (tokens.join() !== expected.join() && !asGood) differing.push({ text, tokens, expected });
      const back = tokenizer.decode(expected);
      if (back !== decoded[i]) differing.push({ text, back, expected: decoded[i] });
    }
    for (let i = 0; i < ids.length && offsets !== null; i += 5) {
      const text = texts[i]!;
      const units = unitsOf(text);
      const expected = offsets[i]!.map(([start, end]) => [units[start], units[end]]);
      const actual = spansOf(tokenizer, text)?.map(({ start, end }) => [start, end]) ?? expected;
      if (actual.join() !== expected.join()) differing.push({ text, actual, expected });
    }
    expect(differing.slice(0, 3), `${differing.length} differ`).toEqual([]);
  });
});
