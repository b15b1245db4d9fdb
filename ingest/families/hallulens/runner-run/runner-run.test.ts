import { afterEach, describe, expect, test } from 'vitest';
import { type CollectedRun, readRuns, temporaryTree } from '../../../testing.ts';
import { HALLULENS } from '../index.ts';

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

const ROOT = 'runs/exp/data/probe/seed_3';
const config = {
  dataset: { name: 'data', model_name: 'm' },
  method: { name: 'probe' },
  experiment: { experiment_name: 'exp' },
  training_seed: 3,
  split_seed: 42,
};
const metrics = { method: 'probe', dataset: 'data', seed: 3, split_seed: 42, n_test: 4, auroc: 0.75 };
const CSV = 'example_id,score_halu,label_halu\r\n0,0.1,0\r\n1,0.4,1\r\n2,0.35,0\r\n3,0.3,1\r\n';

async function read(files: Record<string, unknown>, at = ROOT): Promise<CollectedRun> {
  const all: Record<string, unknown> = { 'config.json': config, 'eval_metrics.json': metrics, ...files };
  const texts = Object.entries(all).flatMap(([name, content]) =>
    content === undefined
      ? []
      : [[`${at}/${name}`, typeof content === 'string' ? content : JSON.stringify(content)]],
  );
  const tree = temporaryTree(Object.fromEntries(texts));
  trees.push(tree);
  return (await readRuns(HALLULENS, tree.path)).get(at)!;
}

const codes = (run: CollectedRun) => run.sink.issues.map(({ severity, code }) => `${severity} ${code}`);

describe('runs of the original runner', () => {
  test('told from a contract run by their configuration, wherever they lie', async () => {
    const run = await read({ 'predictions.csv': CSV }, '2026-01-20/a/b/c/seed_3');
    expect(run.candidate.kind).toBe('runner-run');
    expect(codes(run)).toEqual([]);
    expect(run.summary.columns).toMatchObject({ benchmark: 'data', method: 'probe', seed: 3n });
  });

  test('an error report beside good metrics is stale', async () => {
    const run = await read({
      'run_error.json': { method: 'probe', seed: 3, error: 'Trace\nValueError: x\n' },
    });
    expect(codes(run)).toEqual(['warning STALE_RUN_ERROR']);
    expect(run.sink.issues[0]!.message).toContain('ValueError: x');
    expect(run.summary.columns.status).toBe('completed');
  });

  test('neither metrics nor error: still running', async () => {
    const run = await read({
      'eval_metrics.json': undefined,
      'run_manifest.json': { created_at: '2026-01-01T00:00:00' },
    });
    expect(run.summary.columns.status).toBe('running');
    expect(run.summary.accepted).toBe(true);
  });

  test('a bare NaN is kept as the number, with a warning', async () => {
    const run = await read({ 'eval_metrics.json': JSON.stringify(metrics).replace('0.75', 'NaN') });
    expect(codes(run)).toEqual(['warning JSON_NAN_LITERAL']);
    const row = run.sink.table('metrics').find((r) => r['metric'] === 'auroc');
    expect(row!['value']).toBeNaN();
  });

  test('numbers that disagree with the predictions are worth a warning', async () => {
    const run = await read({
      'eval_metrics.json': { ...metrics, auroc: 0.9 },
      'predictions.csv': CSV,
    });
    expect(codes(run)).toEqual(['warning METRIC_MISMATCH']);
    expect(run.summary.accepted).toBe(true);
  });

  test('scores: NaN is kept and left out of the metrics, words and repetitions are errors', async () => {
    const nan = await read({
      'predictions.csv': CSV.replace('0.3,1', 'nan,1'),
      'eval_metrics.json': { ...metrics, auroc: 1 },
    });
    expect(codes(nan)).toEqual(['warning NAN_SCORE']);
    expect(nan.sink.table('predictions').length).toBe(4);
    const bad = await read({ 'predictions.csv': `${CSV}4,high,1\r\n0,0.2,0\r\n5,0.2,x\r\n` });
    expect(codes(bad)).toEqual([
      'error SCORE_NOT_NUMERIC',
      'error DUPLICATE_PREDICTION_ROW',
      'error INVALID_LABEL',
    ]);
    const header = await read({ 'predictions.csv': 'id,score\n1,2\n' });
    expect(codes(header)).toEqual(['error WRONG_CSV_HEADER']);
  });

  test('the split of a row is its own where the file has one; other columns are kept', async () => {
    const text = 'example_id,score_halu,label_halu,split,fold\n0,0.1,0,val,2\n1,0.9,1,test,3\n';
    const run = await read({ 'predictions.csv': text, 'eval_metrics.json': { ...metrics, auroc: 1 } });
    const rows = run.sink.table('predictions');
    expect(rows.map((row) => row['split'])).toEqual(['val', 'test']);
    expect(rows[0]!['extra']).toBe('{"example_id_kind":"row_index","fold":"2"}');
  });

  test('seeds that contradict each other', async () => {
    const run = await read({ 'config.json': { ...config, training_seed: 4 } });
    expect(codes(run)).toEqual(['error SEED_PATH_MISMATCH', 'error SEED_MISMATCH']);
  });
});
