import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { LocalStore } from '../../../lake/store/local-store.ts';
import type { Issue } from '../../family.ts';
import { findRuns, type MemorySink, memorySink, temporaryTree } from '../../testing.ts';
import { LM_EVAL } from './index.ts';

let tree: ReturnType<typeof temporaryTree> | undefined;
afterEach(() => tree?.remove());

/** Reads every run of a tree of files, by its id without the namespace and family. */
async function read(files: Record<string, unknown>, lenient = false) {
  const text = (content: unknown) => (typeof content === 'string' ? content : JSON.stringify(content));
  tree = temporaryTree(
    Object.fromEntries(Object.entries(files).map(([name, content]) => [name, text(content)])),
  );
  const context = { tree: { store: new LocalStore('/'), prefix: tree.path.slice(1) }, lenient };
  const notes: Issue[] = [];
  const runs = new Map<string, Awaited<ReturnType<typeof LM_EVAL.read>> & { sink: MemorySink }>();
  for (const candidate of await findRuns(LM_EVAL, context.tree, { issue: (note) => void notes.push(note) })) {
    const sink = memorySink(LM_EVAL, context);
    const summary = await LM_EVAL.read(candidate, sink, context);
    runs.set(candidate.runId.replace('main/lm_eval/', ''), { ...summary, sink });
  }
  return { runs, notes: notes.map(({ code, file }) => [code, file?.slice(tree!.path.length)]) };
}

const lines = (records: readonly unknown[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const codes = (sink: MemorySink | undefined) =>
  sink?.issues.map(({ severity, code }) => `${severity} ${code}`);
const columns = (sink: MemorySink, table: string, ...names: string[]) =>
  sink.table(table).map((row) => names.map((name) => row[name]));

const STAMP = '2025-03-04T05-06-07.000089';
const results = {
  results: { sums: { alias: 'sums', 'exact_match,strict': 0.5, 'exact_match_stderr,strict': 0.5 } },
  group_subtasks: { sums: [] },
  configs: {
    sums: {
      output_type: 'generate_until',
      validation_split: 'validation',
      filter_list: [{ name: 'strict' }, { name: 'flexible' }],
      metric_list: [{ metric: 'exact_match', aggregation: 'mean' }],
    },
  },
  versions: { sums: 3 },
  'n-shot': { sums: 5 },
  'n-samples': { sums: { original: 2, effective: 2 } },
  config: { model: 'hf', model_args: 'pretrained=acme/toy,dtype=float16', torch_seed: 7, limit: null },
  git_hash: 'abc1234',
  date: 1741064767.25,
  model_name: 'acme/toy',
  model_name_sanitized: 'acme__toy',
};

function sample(doc: number, value: number, filter?: string) {
  return {
    doc_id: doc,
    doc: { a: doc },
    target: '3',
    arguments: { gen_args_0: { arg_0: `Q${doc}`, arg_1: { until: ['\n'] } } },
    resps: [[`It is ${doc}.`]],
    filtered_resps: [String(doc)],
    ...(filter === undefined ? {} : { filter, metrics: ['exact_match'] }),
    exact_match: value,
  };
}

describe('filters', () => {
  const files = (samples: readonly unknown[]) => ({
    [`acme__toy/results_${STAMP}.json`]: results,
    [`acme__toy/samples_sums_${STAMP}.jsonl`]: lines(samples),
  });
  const id = `acme__toy/${STAMP}/sums`;

  test.each([
    ['named', 'strict', 'flexible'],
    ['not named before 0.4.8, but in the order of the configuration', undefined, undefined],
  ])('every filter predicts, the model answered once: %s', async (_, strict, flexible) => {
    const { runs } = await read(
      files([sample(0, 1, strict), sample(1, 0, strict), sample(0, 1, flexible), sample(1, 1, flexible)]),
    );
    const { sink, accepted, columns: run } = runs.get(id)!;
    expect(accepted).toBe(true);
    expect(codes(sink)).toEqual([]);
    expect(run).toMatchObject({
      method: '5-shot',
      model_id: 'acme/toy',
      benchmark: 'sums',
      split: 'validation',
      seed: 7,
      run_date: '2025-03-04',
      created_at: 1741064767250000n,
      status: 'completed',
      git_commit: 'abc1234',
    });
    expect(
      columns(sink, 'generations', 'example_id', 'prompt', 'response', 'reference', 'generation_params'),
    ).toEqual([
      ['0', 'Q0', 'It is 0.', '"3"', '{"until":["\\n"]}'],
      ['1', 'Q1', 'It is 1.', '"3"', '{"until":["\\n"]}'],
    ]);
    expect(
      columns(sink, 'predictions', 'example_id', 'method', 'pred_label', 'true_label', 'correct'),
    ).toEqual([
      ['0', 'strict', '0', '3', true],
      ['1', 'strict', '1', '3', false],
      ['0', 'flexible', '0', '3', true],
      ['1', 'flexible', '1', '3', true],
    ]);
    expect(columns(sink, 'metrics', 'source', 'scope', 'metric', 'value')).toEqual([
      ['reported', 'filter:strict', 'exact_match', 0.5],
      ['reported', 'filter:strict', 'exact_match_stderr', 0.5],
      ['recomputed', 'filter:strict', 'exact_match', 0.5],
      ['recomputed', 'filter:strict', 'exact_match_stderr', 0.5],
      ['recomputed', 'filter:flexible', 'exact_match', 1],
      ['recomputed', 'filter:flexible', 'exact_match_stderr', 0],
    ]);
    const [{ ci_low: low, ci_high: high }] = sink.table('metrics') as [Record<string, number>];
    expect([low, high]).toEqual([0.5 - 1.959963984540054 / 2, 0.5 + 1.959963984540054 / 2]);
  });

  test('a repeated sample is an error; other answers under another filter are kept and reported', async () => {
    const again = await read(files([sample(0, 1, 'strict'), sample(0, 1, 'strict')]));
    expect(again.runs.get(id)!.accepted).toBe(false);
    expect(codes(again.runs.get(id)!.sink)).toEqual([
      'error DUPLICATE_SAMPLE',
      'warning SAMPLE_COUNT_MISMATCH',
      'warning METRIC_MISMATCH',
    ]);
    tree?.remove();
    const third = await read(files([0, 0, 0].map((doc) => sample(doc, 1))));
    expect(codes(third.runs.get(id)!.sink)).toContain('error DUPLICATE_SAMPLE');
    tree?.remove();
    const other = await read(
      files([sample(0, 1, 'strict'), { ...sample(0, 1, 'flexible'), resps: [['Another.']] }]),
    );
    expect(columns(other.runs.get(id)!.sink, 'generations', 'response')).toEqual([
      ['It is 0.'],
      ['Another.'],
    ]);
    expect(codes(other.runs.get(id)!.sink)).toContain('warning ANSWERS_DIFFER');
  });

  test('numbers that the samples do not give are reported with their place', async () => {
    const { runs } = await read(files([sample(0, 1, 'strict'), sample(1, 1, 'strict')]));
    expect(runs.get(id)!.sink.issues).toEqual([
      {
        severity: 'warning',
        code: 'METRIC_MISMATCH',
        file: `results_${STAMP}.json`,
        pointer: '/results/sums/exact_match,strict',
        message: '0.5 reported, 1 recomputed from the samples',
      },
      expect.objectContaining({ pointer: '/results/sums/exact_match_stderr,strict' }),
    ]);
  });

  test('bad records reject the run, or are left out', async () => {
    const torn = lines([sample(0, 1, 'strict'), { doc_id: 1 }, sample(1, 0, 'strict')]).concat('{"doc_id"');
    const damaged = { ...files([]), [`acme__toy/samples_sums_${STAMP}.jsonl`]: torn };
    const strict = (await read(damaged)).runs.get(id)!;
    expect(strict.accepted).toBe(false);
    expect(new Set(codes(strict.sink))).toEqual(
      new Set(['error MISSING_REQUIRED_FIELD', 'error TRUNCATED_LAST_LINE']),
    );
    tree?.remove();
    const lenient = (await read(damaged, true)).runs.get(id)!;
    expect(lenient.accepted).toBe(true);
    expect(lenient.sink.table('predictions')).toHaveLength(2);
  });

  test('a record that was changed after the run is noticed', async () => {
    const hashes = {
      doc_hash: 'd',
      prompt_hash: '0',
      target_hash: '4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce',
    };
    const samples = [sample(0, 1, 'strict'), sample(1, 0, 'strict')].map((one) => ({ ...one, ...hashes }));
    const { runs } = await read({
      ...files(samples),
      [`acme__toy/results_${STAMP}.json`]: { ...results, task_hashes: { sums: 'x' } },
    });
    expect(codes(runs.get(id)!.sink)).toEqual([
      'warning SAMPLE_HASH_MISMATCH',
      'warning SAMPLE_HASH_MISMATCH',
      'warning TASK_HASH_MISMATCH',
    ]);
  });
});

describe('older versions', () => {
  test('0.4.0 to 0.4.2: one results.json a directory, samples as an array, numbers as numbers', async () => {
    const samples = [
      {
        doc_id: 0,
        doc: {},
        target: 1,
        arguments: [
          ['Q', ' yes'],
          ['Q', ' no'],
        ],
        resps: [[[-2.5, false]], [[-0.5, true]]],
        filtered_resps: [
          [-2.5, false],
          [-0.5, true],
        ],
        acc: 1.0,
      },
    ];
    const { runs, notes } = await read({
      'out/gpt/results.json': {
        results: { qa: { 'acc,none': 1.0, 'acc_stderr,none': 'N/A', alias: 'qa' } },
        configs: { qa: { output_type: 'multiple_choice', test_split: 'test', num_fewshot: 0 } },
        versions: { qa: 'Yaml' },
        'n-shot': { qa: 0 },
        config: { model: 'hf', model_args: 'pretrained=acme/toy,peft=acme/toy-lora', limit: 1.0 },
        git_hash: null,
      },
      'out/gpt/pretrained__acme__toy,peft__acme__toy-lora_qa.jsonl': JSON.stringify(samples, null, 2),
    });
    expect(notes).toEqual([]);
    expect([...runs.keys()]).toEqual(['acme__toy-lora/gpt/qa']);
    const { sink, columns: run } = runs.get('acme__toy-lora/gpt/qa')!;
    expect(codes(sink)).toEqual([]);
    expect(run).toMatchObject({ model_id: 'acme/toy-lora', seed: null, status: 'partial', method: '0-shot' });
    expect(columns(sink, 'generations', 'response', 'reference')).toEqual([[' no', '1']]);
    expect(columns(sink, 'predictions', 'pred_label', 'true_label', 'correct', 'method')).toEqual([
      ['no', 'no', true, 'none'],
    ]);
    expect(columns(sink, 'metrics', 'source', 'metric', 'value', 'ci_low')).toEqual([
      ['reported', 'acc', 1, undefined],
      ['recomputed', 'acc', 1, undefined],
    ]);
  });

  test('0.3: metrics without filters, no samples', async () => {
    const { runs } = await read({
      'out/results.json': {
        results: { piqa: { acc: 0.75, acc_stderr: 0.01 } },
        versions: { piqa: 0 },
        config: { model: 'hf-causal', model_args: 'pretrained=gpt2', limit: null },
      },
    });
    const { sink } = runs.get('gpt2/out/piqa')!;
    expect(columns(sink, 'metrics', 'scope', 'metric', 'value')).toEqual([
      ['overall', 'acc', 0.75],
      ['overall', 'acc_stderr', 0.01],
    ]);
    expect(codes(sink)).toEqual(['info NO_SAMPLES']);
  });
});

describe('what a directory holds', () => {
  test('results files of other tools are left alone, and so are headings of tables', async () => {
    const { runs, notes } = await read({
      'entropy/results.json': { eta: [1], true: [2] },
      'other/results.json': { results: { x: { acc: 1 } } },
      [`lighteval/results_${STAMP}.json`]: { config_general: {}, results: { all: { acc: 1 } }, versions: {} },
      [`m/results_${STAMP}.json`]: {
        ...results,
        results: { ...results.results, heading: { ' ': ' ', alias: 'heading' } },
        group_subtasks: { heading: ['sums'] },
      },
    });
    expect([...runs.keys()]).toEqual([`acme__toy/${STAMP}/sums`]);
    expect(notes.map(([code, file]) => `${code} ${file}`)).toEqual([
      'UNRECOGNISED_FILES entropy',
      'UNRECOGNISED_FILES lighteval',
      'UNRECOGNISED_FILES other',
    ]);
  });

  test('a results file cut short is a rejected run; samples without results are reported', async () => {
    const { runs, notes } = await read({
      [`m/results_${STAMP}.json`]: JSON.stringify(results, null, 2).slice(0, 300),
      [`m/samples_sums_${STAMP}.jsonl`]: lines([sample(0, 1, 'strict')]),
      'm/samples_sums_2025-01-01T00-00-00.jsonl': lines([sample(0, 1, 'strict')]),
    });
    expect(runs.get(`m/${STAMP}`)).toMatchObject({ accepted: false });
    expect(codes(runs.get(`m/${STAMP}`)!.sink)).toEqual(['error INVALID_JSON']);
    expect(notes).toEqual([['SAMPLES_WITHOUT_RESULTS', 'm/samples_sums_2025-01-01T00-00-00.jsonl']]);
  });

  test('a task whose name begins like another has its own samples; --output_path may name the file', async () => {
    const named = { ...results, results: { ...results.results, sums_hard: { 'exact_match,strict': 0 } } };
    const { runs, notes } = await read({
      [`exp_${STAMP}.json`]: named,
      [`samples_sums_${STAMP}.jsonl`]: lines([sample(0, 1, 'strict'), sample(1, 0, 'strict')]),
      [`samples_sums_hard_${STAMP}.jsonl`]: lines([sample(0, 0, 'strict')]),
    });
    expect(notes).toEqual([]);
    expect([...runs].map(([id, { sink }]) => [id, sink.table('predictions').length])).toEqual([
      [`acme__toy/${STAMP}/sums`, 2],
      [`acme__toy/${STAMP}/sums_hard`, 1],
    ]);
  });

  test('schema violations of a results file name their place', async () => {
    const { runs } = await read({ [`m/results_${STAMP}.json`]: { ...results, versions: [], config: null } });
    expect(runs.get(`m/${STAMP}`)!.sink.issues.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'WRONG_TYPE /versions',
      'WRONG_TYPE /config',
    ]);
  });
});

describe('whatever JSON a file holds', () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  const samples = fc.array(
    fc.record({
      doc_id: fc.oneof(fc.nat(3), fc.constantFrom('__proto__', 'constructor')),
      doc: json,
      target: json,
      arguments: fc.oneof(
        fc.array(fc.array(json, { maxLength: 3 }), { maxLength: 3 }),
        fc.dictionary(fc.string(), fc.dictionary(fc.string(), json), { maxKeys: 3 }),
      ),
      resps: fc.array(json, { maxLength: 3 }),
      filtered_resps: json,
      filter: fc.constantFrom('none', 'strict', '__proto__'),
      metrics: fc.array(fc.constantFrom('acc', 'toString', '__proto__', 'odd'), { maxLength: 3 }),
      acc: json,
      odd: json,
    }),
    { maxLength: 20 },
  );

  test('samples are rows or issues', async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (records) => {
        const { runs } = await read(
          {
            [`m/results_${STAMP}.json`]: { ...results, configs: {} },
            [`m/samples_sums_${STAMP}.jsonl`]: lines(records),
          },
          true,
        );
        tree?.remove();
        const { sink, accepted } = runs.get(`acme__toy/${STAMP}/sums`)!;
        expect(accepted).toBe(true);
        const distinct = new Set(records.map(({ doc_id, filter }) => `${doc_id} ${filter}`)).size;
        expect(sink.table('predictions')).toHaveLength(distinct);
        expect(sink.table('generations').length).toBeGreaterThanOrEqual(
          new Set(records.map(({ doc_id }) => String(doc_id))).size,
        );
      }),
      { numRuns: 25 },
    );
  });

  test('results are runs, or not the harness’s', async () => {
    const document = fc.dictionary(fc.constantFrom(...Object.keys(results), '__proto__'), json);
    const entries = fc.dictionary(fc.constantFrom('sums', 'constructor', '__proto__'), json);
    await fc.assert(
      fc.asyncProperty(document, entries, async (changes, tasks) => {
        const { runs } = await read({
          [`m/results_${STAMP}.json`]: { ...results, ...changes, results: tasks },
        });
        tree?.remove();
        for (const { sink, accepted } of runs.values()) {
          if (!accepted) expect(sink.issues.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 25 },
    );
  });
});
