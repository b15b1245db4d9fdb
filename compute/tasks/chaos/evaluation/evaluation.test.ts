import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPredictionRecord, recordViolations } from '../../../../ingest/contracts/chaosbench/prediction.ts';
import { PROMPT_HASHES, promptHash } from '../../../../ingest/families/chaosbench/policy/index.ts';
import { parseJson } from '../../../../ingest/formats/json/parse.ts';
import { type ChaosEvalSpec, chaosEvalSpec, mockSpec } from './evaluation-spec.ts';
import { itemOf } from './item.ts';
import { inventingModel } from './mock-model.ts';
import { promptText, repromptText, resolvePrompt } from './prompt.ts';
import { namedTexts } from './python-strings.ts';
import { recordLine, recordOf } from './record.ts';
import { selectItems } from './select.ts';
import { workersFor } from './workers.ts';

const item = { id: 'a1', question: 'Is it?', truth: 'TRUE', family: 'atomic', split: null } as const;

test.each([
  // The policy's three rows.
  ['llama3.1:8b', 4],
  ['qwen2.5:7b', 4],
  ['phi3:3.8b', 4],
  ['llama3.2:1b', 4],
  ['qwen2.5:14b', 2],
  ['codellama:13b', 2],
  ['llama3.1:70b', 2],
  ['llama3.1:405b', 2],
  // What it leaves out counts as the next larger.
  ['gemma2:9b', 2],
  ['gemma2:27b', 2],
  // A size is a number of its own, not a part of another; experts are counted.
  ['mixtral:8x7b', 2],
  ['meta-llama/Llama-3.1-8B-Instruct', 4],
  ['Qwen/Qwen2.5-32B', 2],
  ['custom', 1],
  ['b', 1],
])('%s has %i workers', (model, workers) => {
  expect(workersFor(model)).toBe(workers);
});

describe('items', () => {
  test('have other names for their members', () => {
    expect(itemOf({ item_id: 7, prompt: 'Is it?', gold: 'yes', family: 'f', split: 'core' })).toEqual({
      id: '7',
      question: 'Is it?',
      truth: 'TRUE',
      family: 'f',
      split: 'core',
    });
    expect(itemOf({ id: 'a', question: 'q', ground_truth: '', answer: ' f ', type: 't' })).toMatchObject({
      truth: 'FALSE',
      family: 't',
      split: null,
    });
    expect(itemOf({ id: 'a', question: 'q', label: false })).toMatchObject({ truth: 'FALSE' });
  });

  test.each([
    [{ question: 'q', answer: 'T' }, 'no id'],
    [{ id: 'a', answer: 'T' }, 'no question'],
    [{ id: 'a', question: 'q' }, 'no ground truth; expected TRUE or FALSE'],
    [{ id: 'a', question: 'q', answer: 'MAYBE' }, 'the ground truth "MAYBE"; expected TRUE or FALSE'],
  ])('%j is none', (row, message) => {
    expect(() => itemOf(row)).toThrow(message);
  });

  test('are drawn and shuffled as Python does', () => {
    const items = Array.from({ length: 100 }, (_, i) => ({ ...item, id: String(i) }));
    const ids = (selection: Parameters<typeof selectItems>[1]) =>
      selectItems(items, selection).map(({ id }) => Number(id));
    // random.Random(42).sample(range(100), 5)
    expect(ids({ seed: 42, maxItems: 5 })).toEqual([81, 14, 3, 94, 35]);
    expect(ids({ seed: 1, maxItems: 100 })).toEqual(ids({ seed: 1 }));
    // shuffle of range(10) with random.Random(3)
    const ten = selectItems(items.slice(0, 10), { seed: 0, shuffleSeed: 3 });
    expect(ten.map(({ id }) => Number(id))).toEqual([1, 5, 6, 0, 9, 4, 7, 2, 8, 3]);
  });
});

describe('prompts', () => {
  test('are put together as the benchmark does; a template alone is sent as it is', () => {
    const prompt = resolvePrompt({ system: 'Judge.', reprompt: 'Again.' }, undefined);
    expect(prompt).toMatchObject({ version: 'custom', hash: promptHash('Judge.', '{question}') });
    expect(promptText(prompt, 'Is $& so?')).toBe('Judge.\n\nQuestion: Is $& so?');
    expect(repromptText(prompt, 'q', '\u{1F600}'.repeat(300))).toBe(
      `Judge.\n\nQuestion: q\n\nYour response: ${'\u{1F600}'.repeat(200)}\n\nAgain.`,
    );
    const bare = resolvePrompt({ variant: 'mine', template: 'Q: {question}\nA:' }, undefined);
    expect(bare).toMatchObject({ version: 'mine', hash: promptHash('', 'Q: {question}\nA:') });
    expect(promptText(bare, 'q')).toBe('Q: q\nA:');
  });

  test('of the benchmark come from its project, found by their hash', () => {
    const python = `"""Doc."""
from x import y
A_SYSTEM_V1 = (
    "Something else."  # not this one
)
TEMPLATE_V9 = "{question}"
REPROMPT_V0 = "No."
REPROMPT_V1 = "Say it again."
`;
    expect(() => resolvePrompt({ variant: 'v1' }, python)).toThrow(
      /no texts of chaosbench\/eval\/prompts.py have its hash; expected texts with the hash 5881f664c444e3d3/,
    );
    expect(() => resolvePrompt({ variant: 'v1_compact' }, undefined)).toThrow('the dataset has no');
    const hashes = { v1: promptHash('Something else.', '{question}'), v2: '0'.repeat(16) };
    expect(resolvePrompt({}, python, hashes)).toEqual({
      version: 'v1',
      hash: hashes.v1,
      system: 'Something else.',
      template: '{question}',
      reprompt: 'Say it again.',
    });
    expect(resolvePrompt({ reprompt: 'What?' }, python, hashes)).toMatchObject({ reprompt: 'What?' });
    expect(resolvePrompt({}, python)).toMatchObject({ version: 'plain' });
    expect(resolvePrompt({ variant: 'compact' }, python)).toMatchObject({ version: 'compact' });
  });

  test('have distinct hashes', () => {
    const own = ['plain', 'compact', 'reasoned'].map((variant) => resolvePrompt({ variant }, undefined).hash);
    expect(new Set([...own, ...Object.values(PROMPT_HASHES)]).size).toBe(6);
  });
});

describe('names of texts in a Python module', () => {
  test('are those of plain literals', () => {
    const texts = namedTexts(`
A = "one"
B: str = 'it\\'s "two"'  # a comment
C = (
    "three "  # first

    "and \\u00e9\\n"
)
D = """
four
"""
F = f"{x}"
G = "a" + "b"
H = "a".strip()
I = ("a", "b")
J = 7
  K = "indented"
L = "unterminated
`);
    expect(Object.fromEntries(texts)).toEqual({
      A: 'one',
      B: 'it\'s "two"',
      C: 'three and é\n',
      D: '\nfour\n',
    });
  });

  test('whatever the text is', () => {
    // What JSON escapes Python understands, but for `\\/`, `\\b`, `\\f` and lone surrogates, which are not written here.
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !/[\b\f]/.test(value));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (parts) => {
        const source = `X = (${parts.map((part) => JSON.stringify(part)).join('\n  ')})\n`;
        expect(namedTexts(source).get('X')).toBe(parts.join(''));
      }),
    );
  });

  test('none in any other text, soon', () => {
    fc.assert(fc.property(fc.string(), (source) => namedTexts(source).size >= 0));
    expect(namedTexts(`A = ${'"\\'.repeat(50_000)}`).size).toBe(0);
  });
});

test('any answers make a record that keeps its contract, and its line is it', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('TRUE', 'no', 'it depends', ''));
  const answer = fc.record({ text, seconds: fc.double({ min: 0, max: 1e6, noNaN: true }) });
  fc.assert(
    fc.property(answer, fc.option(answer, { nil: undefined }), (first, again) => {
      const record = recordOf(item, first, again, 'strict');
      expect(recordViolations(record)).toEqual([]);
      const { value } = parseJson(Buffer.from(recordLine(record)));
      expect(isPredictionRecord(value)).toBe(true);
      expect(value).toEqual(record);
    }),
  );
});

test('a mock answers always the same', async () => {
  const requests = Array.from({ length: 8 }, (_, id) => ({ id, prompt: { text: `question ${id}` } }));
  const options = {
    seed: 0,
    n: 1,
    maxTokens: 1,
    stop: [],
    logProbabilities: false,
    topLogProbabilities: 0,
  };
  const answers = async (settings: object): Promise<string[]> => {
    const texts: string[] = [];
    const model = inventingModel(mockSpec.parse(settings), 2);
    const { signal } = new AbortController();
    const answer = ({ id, samples }: { id: number; samples: readonly { text: string }[] }) => {
      texts[id] = samples[0]!.text;
    };
    await model.answer(requests, options, { answer, failure: () => undefined }, signal);
    return texts;
  };
  expect(await answers({})).toEqual(Array(8).fill('TRUE'));
  expect(await answers({ mode: 'alternating', texts: ['a', 'b', 'c'] })).toEqual([...'abcabcab']);
  const random = await answers({ mode: 'random', seed: 1 });
  expect(await answers({ mode: 'random', seed: 1 })).toEqual(random);
  expect(new Set(random)).toEqual(new Set(['TRUE', 'FALSE']));
  expect(await answers({ mode: 'random', seed: 2 })).not.toEqual(random);
});

describe('a specification', () => {
  const model = { backend: 'mock' };
  const problems = (spec: object): string[] => {
    const parsed = chaosEvalSpec.safeParse({ model, dataset: 'd', ...spec });
    return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('/'));
  };

  test('has the defaults of the benchmark', () => {
    const spec: ChaosEvalSpec = chaosEvalSpec.parse({ model, dataset: 'd' });
    expect(spec).toMatchObject({
      seed: 42,
      temperature: 0,
      maxTokens: 16,
      parsing: 'strict',
      retries: 1,
      errorTolerance: 0,
    });
  });

  test.each([
    [{ model: { backend: 'onnx' } }, ['model/path']],
    [{ model: { backend: 'openai' } }, ['model/baseUrl', 'model/name']],
    [{ model: { path: 'x', mock: {} } }, ['model/mock']],
    [{ model: { backend: 'mock', id: 'gpt' } }, ['model/id']],
    [{ model: { backend: 'mock', mock: { mode: 'recorded' } } }, ['model/mock/file']],
    [{ provider: 'ollama' }, ['provider']],
    [{ model: { path: 'x' }, provider: 'mock' }, ['provider']],
    [{ model: { path: 'x' }, workers: 2 }, ['workers']],
    [{ prompt: { variant: 'mine' } }, ['prompt/variant']],
    [{ prompt: { variant: 'v1', system: 'x' } }, ['prompt/variant']],
    [{ prompt: { variant: 'plain', system: 'x' } }, ['prompt/variant']],
    [{ prompt: { template: 'no place' } }, ['prompt/template']],
    [{ runId: 'a/b', label: '..' }, ['runId', 'label']],
    [{ retries: 2, gitCommit: 'HEAD' }, ['retries', 'gitCommit']],
    [{ prompt: { variant: 'constructor' } }, ['prompt/variant']],
    [{ prompt: { variant: 'constructor', system: 'x' } }, []],
    [{ prompt: { variant: 'mine', template: '{question}' }, runId: 'x:8b' }, []],
  ])('%j', (spec, expected) => {
    expect(problems(spec)).toEqual(expected);
  });
});
