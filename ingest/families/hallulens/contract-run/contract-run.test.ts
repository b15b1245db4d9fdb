import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { MAX_ISSUES_PER_CODE } from '../../../run-files/issue-log.ts';
import { auroc, rankScores } from '../../../stats/index.ts';
import { type CollectedRun, readRuns, temporaryTree } from '../../../testing.ts';
import { HALLULENS } from '../index.ts';

const RUN = 'runs/2026-02-03/probe_v1/org__model/bench/seed_7';
const STORE = 'activations/bench/store';

const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const jsonl = (records: readonly unknown[]) => records.map((r) => `${JSON.stringify(r)}\n`).join('');

const EXAMPLES = Array.from({ length: 12 }, (_, i) => ({
  id: sha(`example ${i}`),
  key: sha(`prompt ${i}`),
  halu: i % 3 === 0,
  score: ((i * 5) % 12) / 12,
}));

/** A little-endian float32 `.npy` file of zeros. */
function npy(shape: readonly number[]): Uint8Array {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const data = Buffer.alloc(4 * shape.reduce((a, b) => a * b, 1));
  const head = Buffer.from([
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    1,
    0,
    header.length & 255,
    header.length >> 8,
  ]);
  return Buffer.concat([head, Buffer.from(header), data]);
}

function storeFiles(keys: readonly string[], root = STORE): Record<string, string | Uint8Array> {
  const files: Record<string, string | Uint8Array> = {
    [`${root}/metadata.jsonl`]: jsonl(keys.map((key) => ({ key, has_activations: true }))),
  };
  for (const key of keys) {
    files[`${root}/activations/${key}.json`] = JSON.stringify({ prompt: 'p', model: 'org/model' });
    files[`${root}/activations/${key}.npy`] = npy([3, 1, 2, 4]);
  }
  return files;
}

const generations = EXAMPLES.map(({ id, key, halu }, i) => ({
  example_id: id,
  benchmark: 'bench',
  split: i < 8 ? 'test' : 'train',
  seed: 7,
  model_id: 'org/model',
  prompt: `prompt ${i}`,
  response: 'r',
  label: { halu: halu ? 1 : 0, label_source: 'exact_match' },
  generation_params: {},
  activation_key: key,
}));
const tested = EXAMPLES.slice(0, 8);
const config = {
  benchmark: 'bench',
  split: 'test',
  method: 'probe_v1',
  seed: 7,
  model: { id: 'org/model', backend: 'hf' },
  inference: { max_tokens: 5, temperature: 0, top_p: 1, n: 1 },
  activation_logging: {
    enabled: true,
    format: 'json_npy',
    path: STORE,
    layers: 'all',
    token_selector: 'all',
  },
  training: { epochs: 1, batch_size: 1, sub_batch_size: 1, lr: 0.1 },
};
const metrics = {
  benchmark: 'bench',
  split: 'test',
  method: 'probe_v1',
  model_id: 'org/model',
  seed: 7,
  n_examples: 8,
  auroc: auroc(
    rankScores(
      tested.map((e) => e.score),
      tested.map((e) => (e.halu ? 1 : 0)),
    ),
  ),
};
const manifest = {
  created_at: '2026-02-03T01:02:03+00:00',
  git: { commit: 'abc', dirty: true },
  environment: { python_version: '3', platform: 'Linux' },
};
const HEADER = 'example_id,score_halu,label_halu,split,benchmark';
const predictionLines = tested.map((e) => `${e.id},${e.score},${e.halu ? 1 : 0},test,bench`);

type Files = Record<string, string | Uint8Array>;
const GOOD: Files = {
  'config.json': JSON.stringify(config),
  'run_manifest.json': JSON.stringify(manifest),
  'generations.jsonl': jsonl(generations),
  'predictions.csv': `${[HEADER, ...predictionLines].join('\r\n')}\r\n`,
  'eval_metrics.json': JSON.stringify(metrics),
  'train_metrics.jsonl': jsonl([{ time: '2026-02-03T01:02:03', epoch: 0, split: 'train', loss: 1 }]),
};

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

async function readWith(
  changes: Files,
  settings: { readonly lenient?: boolean; readonly store?: Files; readonly at?: string } = {},
): Promise<CollectedRun> {
  const { at = RUN, store = storeFiles(EXAMPLES.map((e) => e.key)), lenient = false } = settings;
  const run = Object.entries({ ...GOOD, ...changes }).filter(([, content]) => content !== '');
  const tree = temporaryTree({
    ...Object.fromEntries(run.map(([name, c]) => [`${at}/${name}`, c])),
    ...store,
  });
  trees.push(tree);
  return (await readRuns(HALLULENS, tree.path, { lenient })).get(at)!;
}

const codes = (run: CollectedRun) => run.sink.issues.map(({ severity, code }) => `${severity} ${code}`);

describe('contract runs', () => {
  test('a good run has no issue and complies', async () => {
    const run = await readWith({});
    expect(run.sink.issues).toEqual([]);
    expect(run.summary.accepted).toBe(true);
    expect(run.summary.columns.verdict).toBe('COMPLIANT');
    expect(run.sink.table('generations').length).toBe(12);
    expect(run.sink.table('predictions').length).toBe(8);
    expect(run.sink.stores[0]!.nActivations).toBe(12 * 3 * 2);
  });

  test('a model that failed its self-checks is an issue, and nothing that the contract asks', async () => {
    const check = { verdict: 'failed', failed_checks: ['alone = in a batch'], reason: null };
    const run = await readWith({ 'run_manifest.json': JSON.stringify({ ...manifest, model_check: check }) });
    expect(codes(run)).toEqual(['warning MODEL_CHECK_FAILED']);
    expect(run.summary.columns.verdict).toBe('COMPLIANT');
    expect(JSON.parse(String(run.summary.columns.manifest))).toMatchObject({ model_check: check });
  });

  test('the store may have been recorded with an absolute path of another machine', async () => {
    const moved = {
      ...config,
      activation_logging: { ...config.activation_logging, path: `/data/lab/${STORE}` },
    };
    const run = await readWith({ 'config.json': JSON.stringify(moved) });
    expect(run.sink.issues).toEqual([]);
    expect(run.sink.stores.length).toBe(1);
  });

  test('a run on activations of several stores is linked to all of them', async () => {
    const [others, own] = [EXAMPLES.slice(0, 5), EXAMPLES.slice(4)].map((some) => some.map(({ key }) => key));
    const other = 'activations/other/store';
    const { format } = config.activation_logging;
    const stores = [STORE, other].map((path) => ({ path, format }));
    const several = { ...config, activation_logging: { ...config.activation_logging, stores } };
    const store = { ...storeFiles(own!), ...storeFiles(others!, other) };
    const run = await readWith({ 'config.json': JSON.stringify(several) }, { store });
    expect(codes(run)).toEqual(['warning AMBIGUOUS_ACTIVATION_KEY']);
    expect(run.sink.stores.map(({ nActivations }) => nActivations)).toEqual([8 * 6, 5 * 6]);
  });

  test.each([
    ['nowhere/at/all', 'ACTIVATION_STORE_MISSING'],
    ['../../../../../../../activations/bench/store', 'ACTIVATION_STORE_MISSING'],
  ])('a store at %s: %s', async (path, code) => {
    const changed = { ...config, activation_logging: { ...config.activation_logging, path } };
    const run = await readWith({ 'config.json': JSON.stringify(changed) });
    expect(codes(run)).toEqual([`error ${code}`]);
    expect(run.sink.stores).toEqual([]);
  });

  test('a configuration without activations needs no store and no link', async () => {
    const off = { ...config, activation_logging: { ...config.activation_logging, enabled: false } };
    const unlinked = generations.map(({ activation_key: _, ...rest }) => rest);
    const run = await readWith({
      'config.json': JSON.stringify(off),
      'generations.jsonl': jsonl(unlinked),
    });
    expect(new Set(codes(run))).toEqual(new Set(['warning NO_ACTIVATION_LINK']));
    expect(run.summary.accepted).toBe(true);
  });

  test('the wrong format in the configuration is a warning; the files tell', async () => {
    const wrong = { ...config, activation_logging: { ...config.activation_logging, format: 'lmdb' } };
    const run = await readWith({ 'config.json': JSON.stringify(wrong) });
    expect(codes(run)).toEqual(['warning STORE_FORMAT_MISMATCH']);
    expect(run.summary.accepted).toBe(true);
    expect(run.summary.columns.verdict).toBe('NONCOMPLIANT');
  });

  test('a missing entry convicts the prediction that needs it, and only warns about other generations', async () => {
    const keys = EXAMPLES.map((e) => e.key);
    const withoutTrained = await readWith({}, { store: storeFiles(keys.slice(0, 11)) });
    expect(codes(withoutTrained)).toEqual(['warning ACTIVATION_ENTRY_MISSING']);
    expect(withoutTrained.summary.accepted).toBe(true);
    expect(withoutTrained.summary.columns.verdict).toBe('NONCOMPLIANT');
    const withoutTested = await readWith({}, { store: storeFiles(keys.slice(1)) });
    expect(codes(withoutTested)).toEqual(['error ACTIVATION_ENTRY_MISSING']);
    expect(withoutTested.sink.issues[0]).toMatchObject({ file: 'predictions.csv', line: 2 });
  });

  test('hashkey links where activation_key does not', async () => {
    const linked = generations.map(({ activation_key, ...rest }, i) =>
      i % 2 === 0
        ? { ...rest, hashkey: activation_key }
        : { ...rest, activation_key: 'x', hashkey: activation_key },
    );
    const run = await readWith({ 'generations.jsonl': jsonl(linked) });
    expect(run.sink.issues).toEqual([]);
    expect(run.sink.table('generations').map((row) => row['activation_key'])).toEqual(
      EXAMPLES.map((e) => e.key),
    );
  });

  test('an entry whose file is damaged convicts a run that predicts it', async () => {
    const store = storeFiles(EXAMPLES.map((e) => e.key));
    const [first] = EXAMPLES;
    store[`${STORE}/activations/${first!.key}.npy`] = npy([3, 1, 2, 4]).subarray(0, 100);
    const strict = await readWith({}, { store });
    expect(strict.summary.accepted).toBe(false);
    expect(codes(strict)).toEqual(['warning ACTIVATION_ENTRY_UNREADABLE', 'error ACTIVATION_ENTRY_MISSING']);
    const lenient = await readWith({}, { store, lenient: true });
    expect(lenient.summary.accepted).toBe(true);
    expect(lenient.sink.stores[0]!.damaged).toEqual([first!.key]);
  });

  test('the names of the directories are part of the contract', async () => {
    const elsewhere = await readWith({}, { at: 'runs/some/other/place' });
    expect(codes(elsewhere)).toEqual(['warning NAMING_CONVENTION']);
    expect(elsewhere.candidate.runId).toBe('main/hallulens/some/other/place');
    expect(elsewhere.summary.columns.verdict).toBe('NONCOMPLIANT');
    const wrong = await readWith({}, { at: 'runs/2026-02-03/other/org__x/b2/seed_8' });
    expect(new Set(codes(wrong))).toEqual(
      new Set([
        'error SEED_PATH_MISMATCH',
        'error BENCHMARK_PATH_MISMATCH',
        'error METHOD_PATH_MISMATCH',
        'error MODEL_PATH_MISMATCH',
      ]),
    );
  });

  test('records that contradict the configuration', async () => {
    const strange = generations.map((record, i) => {
      if (i === 9) return { ...record, benchmark: 'another' };
      if (i === 10) return { ...record, seed: 8 };
      return i === 11 ? { ...record, model_id: 'm' } : record;
    });
    const run = await readWith({ 'generations.jsonl': jsonl(strange) });
    expect(run.sink.issues.map(({ code, line, pointer }) => [code, line, pointer])).toEqual([
      ['BENCHMARK_MISMATCH', 10, '/benchmark'],
      ['SEED_MISMATCH', 11, '/seed'],
      ['MODEL_MISMATCH', 12, '/model_id'],
    ]);
    expect(run.summary.accepted).toBe(false);
  });

  test('rows that contradict their generation or the configuration', async () => {
    const rows = [...predictionLines];
    rows[0] = rows[0]!.replace(',test,', ',train,');
    rows[1] = rows[1]!.replace(',bench', ',other');
    rows[2] = rows[2]!.replace(/,[01],test/, ',2,test');
    rows[3] = `${rows[3]},surplus`;
    const run = await readWith({ 'predictions.csv': `${[HEADER, ...rows].join('\n')}\n` });
    expect(run.sink.issues.slice(0, 4).map(({ code, line }) => [code, line])).toEqual([
      ['SPLIT_MISMATCH', 2],
      ['BENCHMARK_MISMATCH', 3],
      ['INVALID_LABEL', 4],
      ['CSV_FIELD_COUNT', 5],
    ]);
  });

  test('unknown members and columns are kept', async () => {
    const big = '{"mine":{"n":9007199254740993,"x":[NaN,1.5]},';
    const lines = jsonl(generations).replaceAll('{"example_id"', `${big}"example_id"`);
    const table = [`${HEADER},note`, ...predictionLines.map((line) => `${line},"a, b"`)].join('\n');
    const run = await readWith({ 'generations.jsonl': lines, 'predictions.csv': `${table}\n` });
    expect(run.sink.issues).toEqual([]);
    expect(run.sink.table('generations')[0]!['extra']).toBe(
      '{"mine":{"n":9007199254740993,"x":["NaN",1.5]}}',
    );
    expect(run.sink.table('predictions')[0]!['extra']).toBe('{"note":"a, b"}');
  });

  test('several splits: metrics of the evaluated one are compared, the others are computed', async () => {
    const others = EXAMPLES.slice(8).map((e) => `${e.id},${e.score},${e.halu ? 1 : 0},train,bench`);
    const text = `${[HEADER, ...predictionLines, ...others].join('\n')}\n`;
    const run = await readWith({ 'predictions.csv': text });
    expect(run.sink.issues).toEqual([]);
    const rows = run.sink.table('metrics').filter((row) => row['metric'] === 'auroc');
    expect(rows.map((row) => [row['source'], row['split']])).toEqual([
      ['reported', 'test'],
      ['recomputed', 'test'],
      ['recomputed', 'train'],
    ]);
  });

  test('accuracy and F1 are recomputed from the threshold of the metrics', async () => {
    const threshold = 0.5;
    const predicted = tested.map((e) => e.score >= threshold);
    const right = tested.filter((e, i) => e.halu === predicted[i]).length / 8;
    const run = await readWith({
      'eval_metrics.json': JSON.stringify({ ...metrics, threshold, accuracy: right, f1: 0.123 }),
    });
    expect(run.sink.issues.map(({ code, pointer }) => [code, pointer])).toEqual([['METRIC_MISMATCH', '/f1']]);
  });

  test('an AUROC is null where it is undefined, and nowhere else', async () => {
    const withNull = { 'eval_metrics.json': JSON.stringify({ ...metrics, auroc: null }) };
    const defined = await readWith(withNull);
    expect(defined.sink.issues.map(({ code, pointer }) => [code, pointer])).toEqual([
      ['METRIC_MISMATCH', '/auroc'],
    ]);
    const alike = await readWith({
      ...withNull,
      'generations.jsonl': jsonl(generations.map((one) => ({ ...one, label: { ...one.label, halu: true } }))),
      'predictions.csv': `${[HEADER, ...tested.map((e) => `${e.id},${e.score},1,test,bench`)].join('\n')}\n`,
    });
    expect(alike.sink.issues).toEqual([]);
  });

  test('numbers about parts of a run are metrics of a scope; what is no number stays with the manifest', async () => {
    const scopes = {
      'layer:3': { auroc: 0.7, auroc_ci95: [0.6, 0.8], c: null },
      'control:length': { auroc: 0.55, fitted_on: 'texts' },
      odd: 'no object',
    };
    const run = await readWith({ 'eval_metrics.json': JSON.stringify({ ...metrics, scopes }) });
    expect(run.sink.issues).toEqual([]);
    const scoped = run.sink.table('metrics').filter((row) => row['scope'] !== 'overall');
    expect(
      scoped.map(({ scope, metric, value, ci_low, ci_high }) => [scope, metric, value, ci_low, ci_high]),
    ).toEqual([
      ['layer:3', 'auroc', 0.7, 0.6, 0.8],
      ['layer:3', 'c', null, null, null],
      ['control:length', 'auroc', 0.55, null, null],
    ]);
    expect(JSON.parse(String(run.summary.columns['manifest']))).toMatchObject({
      runlake: { eval_metrics: { scopes: { 'control:length': { fitted_on: 'texts' }, odd: 'no object' } } },
    });
  });

  test('repetitions of one complaint are counted, not listed', async () => {
    const many = Array.from({ length: 500 }, (_, i) => `${sha(`stranger ${i}`)},0.5,0,test,bench`);
    const run = await readWith({
      'predictions.csv': `${[HEADER, ...predictionLines, ...many].join('\n')}\n`,
    });
    const unknown = run.sink.issues.filter((issue) => issue.code === 'UNKNOWN_EXAMPLE_ID');
    expect(unknown.length).toBe(MAX_ISSUES_PER_CODE + 1);
    expect(unknown.at(-1)!.message).toContain('400 further');
  });

  test.each([
    ['config.json', '{"benchmark": ', 'INVALID_JSON'],
    ['eval_metrics.json', '[]', 'WRONG_TYPE'],
    ['run_manifest.json', Buffer.from([0x7b, 0xff]), 'NON_UTF8_BYTES'],
    ['train_metrics.jsonl', '{"time": "x"}\n', 'MISSING_REQUIRED_FIELD'],
    ['generations.jsonl', 'not json\n', 'INVALID_JSON'],
    ['predictions.csv', '\n', 'EMPTY_FILE'],
  ])('%s that is no artifact at all', async (file, content, code) => {
    const run = await readWith({ [file]: content });
    expect(run.summary.accepted).toBe(false);
    expect(run.sink.issues.find((issue) => issue.code === code)?.file).toBe(file);
  });

  test('training records need a training configuration', async () => {
    const { training: _, ...rest } = config;
    const run = await readWith({ 'config.json': JSON.stringify(rest) });
    expect(run.sink.issues).toMatchObject([{ code: 'MISSING_REQUIRED_FIELD', pointer: '/training' }]);
  });

  test('an error report beside results is worth a warning', async () => {
    const run = await readWith({ 'run_error.json': '{"error": "x"}' });
    expect(codes(run)).toEqual(['warning STALE_RUN_ERROR']);
    expect(run.summary.accepted).toBe(true);
  });
});
