import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../contracts/json-value.ts';
import { readRuns, temporaryTree } from '../../../testing.ts';
import { CHAOSBENCH } from '../index.ts';
import { metricsDocument, RunTallier } from '../metrics/index.ts';

let tree: ReturnType<typeof temporaryTree> | undefined;
afterEach(() => tree?.remove());

const NAME = '20260220T104105Z_openrouter_meta_llama-3';

const record = (id: string, answer: 'TRUE' | 'FALSE' | null, more: Record<string, JsonValue> = {}) => ({
  id,
  question: `${id}?`,
  ground_truth: 'TRUE',
  pred_text: answer ?? 'perhaps',
  parsed_label: answer,
  outcome: answer === null ? ('INVALID' as const) : (`VALID_${answer}` as const),
  correct: answer === null ? null : answer === 'TRUE',
  latency_s: 0.5,
  task_family: 'atomic',
  split: null,
  retry_pred_text: null,
  retry_outcome: null,
  meta: { parse_reason: 'x', parse_confidence: 0.9 },
  ...more,
});

function metricsOf(records: readonly ReturnType<typeof record>[]) {
  const tallier = new RunTallier();
  for (const answer of records) tallier.add(answer);
  return metricsDocument(tallier);
}

function runFiles(
  records: readonly ReturnType<typeof record>[],
  manifest: Record<string, JsonValue> = {},
  metrics: object = metricsOf(records),
): Record<string, string> {
  const { coverage, mcc } = { coverage: undefined, mcc: undefined, ...metrics };
  return {
    'run_manifest.json': JSON.stringify({
      run_id: NAME,
      created_utc: '2026-02-20T10:50:00.000001+00:00',
      provider: 'openrouter/meta/llama-3',
      prompt_version: 'v1',
      prompt_hash: '5881f664c444e3d3',
      dataset_global_sha256: 'unavailable',
      canonical_selector: 'data/canonical_v2_files.json',
      total_items_evaluated: records.length,
      max_items: null,
      seed: 42,
      retries: 1,
      workers: 4,
      strict_parsing: true,
      git_commit: null,
      python_version: '3.12.12',
      metrics_summary: { coverage, mcc },
      ...manifest,
    }),
    'metrics.json': JSON.stringify(metrics),
    'predictions.jsonl': records.map((answer) => `${JSON.stringify(answer)}\n`).join(''),
    'summary.md': '# Summary',
  };
}

async function read(files: Readonly<Record<string, string | Uint8Array>>, directory = `runs/${NAME}`) {
  tree = temporaryTree(
    Object.fromEntries(Object.entries(files).map(([name, content]) => [`${directory}/${name}`, content])),
  );
  const [run] = (await readRuns(CHAOSBENCH, tree.path)).values();
  const { sink, summary } = run!;
  return {
    ...summary,
    table: sink.table,
    issues: sink.issues.map(({ severity, code, line }) => [
      severity,
      code,
      ...(line === undefined ? [] : [line]),
    ]),
  };
}

describe('a run', () => {
  test('becomes columns and rows; nothing of a record is lost', async () => {
    const records = [record('a', 'TRUE'), record('b', 'FALSE', { split: 'core' })];
    const [first, ...others] = records.map((answer) => JSON.stringify(answer));
    const retried = first!.replace(
      '"retry_pred_text":null,"retry_outcome":null',
      '"retry_pred_text":"TRUE","retry_outcome":"VALID_TRUE","tokens":12345678901234567890',
    );
    const run = await read({
      ...runFiles(records),
      'predictions.jsonl': [retried, ...others].join('\n'),
      'notes.txt': 'x',
    });
    expect(run.issues).toEqual([]);
    expect(run.columns).toMatchObject({
      method: 'v1',
      model_id: 'meta/llama-3',
      benchmark: 'chaosbench',
      seed: 42,
      run_date: '2026-02-20',
      created_at: BigInt(Date.UTC(2026, 1, 20, 10, 50)) * 1000n + 1n,
      status: 'completed',
      verdict: 'EXPLORATORY',
      verdict_reasons: ['dataset_global_sha256', 'git_commit', 'dataset_unknown'],
      git_commit: null,
    });
    expect(JSON.parse(run.columns.config!)).toMatchObject({
      provider: 'openrouter/meta/llama-3',
      max_items: null,
    });
    expect(JSON.parse(run.columns.manifest!)).toMatchObject({
      run_id: NAME,
      runlake: { attachments: [{ path: 'notes.txt', bytes: 1 }] },
    });
    expect(JSON.parse(run.columns.compliance!)).toHaveLength(5);
    const [one, two] = run.table('predictions');
    expect(one).toMatchObject({
      example_id: 'a',
      pred_label: 'TRUE',
      outcome: 'VALID_TRUE',
      correct: true,
    });
    expect(one!['extra']).toBe(
      '{"meta":{"parse_reason":"x","parse_confidence":0.9},"retry_pred_text":"TRUE","retry_outcome":"VALID_TRUE","tokens":12345678901234567890}',
    );
    expect(two).toMatchObject({ split: 'core', correct: false, latency_s: 0.5, source_line: 2 });
    expect(run.table('generations')[1]).toMatchObject({
      prompt: 'b?',
      response: 'FALSE',
      reference: '"TRUE"',
    });
    const splits = run.table('metrics').filter((row) => row['scope'] === 'split:core');
    expect(splits.every((row) => row['split'] === 'core')).toBe(true);
  });

  test('of no items at all is a run', async () => {
    const run = await read(runFiles([]));
    expect(run.issues).toEqual([]);
    expect(run.table('metrics').find((row) => row['source'] === 'reported')).toMatchObject({
      metric: 'total',
      value: 0,
    });
  });

  test('odd items are warnings while the metrics count them the same way, else errors', async () => {
    const odd = [record('a', 'TRUE'), record('a', 'TRUE'), record('b', 'FALSE', { ground_truth: 'MAYBE' })];
    const confirmed = await read(runFiles(odd, { total_items_evaluated: 4 }));
    expect(confirmed.accepted).toBe(true);
    expect(confirmed.issues).toEqual([
      ['warning', 'DUPLICATE_EXAMPLE_ID', 2],
      ['warning', 'UNKNOWN_GROUND_TRUTH', 3],
      ['warning', 'ITEM_COUNT_MISMATCH'],
    ]);
    expect(confirmed.table('predictions')).toHaveLength(3);
    tree?.remove();
    const metrics = metricsOf([record('a', 'TRUE'), record('c', 'TRUE'), record('b', 'FALSE')]);
    const contradicted = await read(runFiles(odd, { total_items_evaluated: 4 }, metrics));
    expect(contradicted.accepted).toBe(false);
    expect(contradicted.issues.slice(0, 3).map(([severity]) => severity)).toEqual([
      'error',
      'error',
      'error',
    ]);
  });

  test('rates may differ by their rounding, and no more', async () => {
    const records = [record('a', 'TRUE'), record('b', 'FALSE'), record('c', null)];
    const metrics = metricsOf(records);
    expect((await read(runFiles(records, {}, { ...metrics, invalid_rate: 0.3333 }))).issues).toEqual([]);
    tree?.remove();
    expect((await read(runFiles(records, {}, { ...metrics, invalid_rate: 0.3334 }))).issues).toEqual([
      ['error', 'METRIC_MISMATCH'],
    ]);
  });

  test('families that only one side knows are mismatches', async () => {
    const records = [record('a', 'TRUE'), record('b', 'TRUE', { task_family: '__proto__' })];
    expect((await read(runFiles(records))).issues).toEqual([]);
    tree?.remove();
    const renamed = metricsOf([record('a', 'TRUE'), record('b', 'TRUE', { task_family: 'other' })]);
    expect((await read(runFiles(records, {}, renamed))).issues).toEqual([
      ['error', 'METRIC_MISMATCH'],
      ['error', 'METRIC_MISMATCH'],
    ]);
  });
});

describe('a published run', () => {
  const receipt = (copied: readonly string[]) =>
    JSON.stringify({
      published_utc: '2026-02-21T00:00:00+00:00',
      source_run_dir: `/x/runs/${NAME}`,
      run_id: NAME,
      artifacts_copied: copied,
      artifacts_skipped: [],
      compress_predictions: true,
    });
  const records = [record('a', 'TRUE'), record('b', 'FALSE')];
  const { 'predictions.jsonl': predictions, ...rest } = runFiles(records);

  test('may have its predictions in a gzip file', async () => {
    const run = await read(
      {
        ...rest,
        'predictions_subset.jsonl.gz': gzipSync(predictions!),
        'publish_receipt.json': receipt(['predictions_subset.jsonl.gz']),
      },
      'pub/renamed',
    );
    expect(run.issues).toEqual([]);
    expect(run.table('predictions')).toHaveLength(2);
    expect(JSON.parse(run.columns.manifest!)).toMatchObject({
      runlake: { publish_receipt: { run_id: NAME } },
    });
  });

  test('does not read a file that its receipt does not list', async () => {
    const run = await read({
      ...rest,
      'predictions_subset.jsonl.gz': gzipSync('of an older run'),
      'publish_receipt.json': receipt([]),
    });
    expect(run.accepted).toBe(true);
    expect(run.issues).toEqual([
      ['warning', 'FILE_NOT_IN_RECEIPT'],
      ['info', 'PREDICTIONS_NOT_PUBLISHED'],
    ]);
    expect(run.table('predictions')).toEqual([]);
  });

  test('without predictions is held to its own counts', async () => {
    const metrics = { ...metricsOf(records), accuracy_valid: 0.9 };
    const { 'predictions.jsonl': _, ...files } = runFiles(records, {}, metrics);
    const run = await read({ ...files, 'publish_receipt.json': receipt([]) });
    expect(run.issues.filter(([severity]) => severity === 'error')).toEqual([['error', 'METRIC_MISMATCH']]);
  });
});

describe('an interrupted run', () => {
  test('counts the last record of an id and passes over what a resumed run would', async () => {
    const lines = [
      JSON.stringify(record('a', null, { pred_text: '' })),
      'not json',
      JSON.stringify({ id: 'b' }),
      JSON.stringify(record('a', 'TRUE')),
      JSON.stringify(record('c', null, { pred_text: ' \n' })),
      JSON.stringify(record('d', 'FALSE')).slice(0, 50),
    ];
    const run = await read({ '.eval_checkpoint.jsonl': lines.join('\n') });
    expect(run.accepted).toBe(true);
    expect(run.columns).toMatchObject({
      status: 'partial',
      model_id: 'meta_llama-3',
      run_date: '2026-02-20',
      verdict: null,
    });
    expect(run.table('predictions').map((row) => [row['example_id'], row['source_line']])).toEqual([
      ['a', 4],
      ['c', 5],
    ]);
    expect(run.issues.filter(([severity]) => severity === 'info')).toEqual([
      ['info', 'SUPERSEDED_RECORD'],
      ['info', 'INTERRUPTED_RUN'],
    ]);
    expect(new Set(run.issues.map(([severity]) => severity))).toEqual(new Set(['warning', 'info']));
  });

  test('may have no record yet', async () => {
    const run = await read({ '.eval_checkpoint.jsonl': '' });
    expect(run.accepted).toBe(true);
    expect(run.table('predictions')).toEqual([]);
  });
});
