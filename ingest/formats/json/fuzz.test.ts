import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/support/mutate.ts';
import { sharedDir } from '../../../test/support/shared.ts';
import { FormatError } from '../errors.ts';
import { readJsonl } from './jsonl.ts';
import { parseJson } from './parse.ts';
import { stringifyJson } from './stringify.ts';

const documents = [
  '{"a": [1, -2.5e-7, NaN, 12345678901234567890], "b\\u00e9": {"c": null, "d": "\\ud83d\\ude00 größe"}, "a": true}',
  JSON.stringify({ nested: [[[[[{ x: [[], {}, '', 0] }]]]]], text: 'line\nbreak "quoted" \\ end' }, null, 2),
  `${'['.repeat(150)}1${']'.repeat(150)}`,
];
if (sharedDir !== undefined) {
  const folder = 'fixtures/chaosbench/broken/b01_missing_manifest/20261120T203721Z_ollama_synth-messy:8b';
  documents.push(readFileSync(`${sharedDir}${folder}/predictions.jsonl`, 'utf8').slice(0, 4000));
}
const lines = documents.map((text) => `${text.replaceAll('\n', ' ')}\n`).join('\n');
const isExpected = (error: unknown) => error instanceof FormatError;

describe('damaged JSON', () => {
  it('is a value or a FormatError, and every value can be written and read again', async () => {
    const seeds = documents.map((text) => new Uint8Array(Buffer.from(text)));
    const failure = await fuzz({
      seeds,
      count: 10_000,
      seed: 32,
      isExpected,
      attempt(input) {
        const { value } = parseJson(input);
        const text = stringifyJson(value);
        JSON.parse(text);
        if (stringifyJson(parseJson(text, { maxDepth: 250 }).value) !== text) throw new Error('not stable');
      },
    });
    expect(failure).toBeUndefined();
  });

  it('never stops a reader of lines', async () => {
    const plain = new Uint8Array(Buffer.from(lines));
    const failure = await fuzz({
      seeds: [plain, plain, plain, new Uint8Array(gzipSync(plain))],
      count: 10_000,
      seed: 33,
      isExpected: () => false,
      async attempt(input) {
        let last = 0;
        for await (const batch of readJsonl([input], { maxLineBytes: 10_000 })) {
          for (const { line } of batch) {
            if (line <= last) throw new Error('a line came twice');
            last = line;
          }
        }
      },
    });
    expect(failure).toBeUndefined();
  });
});
