import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CHAOSBENCH } from '../../ingest/families/chaosbench/index.ts';
import type { Issue, SourceTree } from '../../ingest/family.ts';
import { type CollectedRun, findRuns, readRuns } from '../../ingest/testing.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { sharedDir } from '../support/shared.ts';

const folder = `${sharedDir}fixtures/chaosbench/`;

const scores = z.record(z.string(), z.unknown());
const predictions = z.looseObject({
  rows: z.number(),
  wilson95_accuracy_valid: z.array(z.number()).nullable(),
  confusion: scores,
  invalid_categories: z.record(z.string(), z.number()),
  per_family: z.record(z.string(), scores),
});
const expectedRun = z.looseObject({
  manifest: z.looseObject({ max_items: z.number().nullable(), total_items_evaluated: z.number() }).nullable(),
  policy_verdict: z.string().optional(),
  failed_criteria: z.array(z.string()).optional(),
  sha_matches_legacy_formula: z.boolean().optional(),
  subset_without_max_items: z.boolean().optional(),
  excluded_from_paper_tables_by_code: z.boolean().optional(),
  predictions: predictions.optional(),
  metrics: z.looseObject({}).optional(),
  checkpoint: z
    .looseObject({ rows: z.number(), distinct_ids: z.number(), would_be_retried_on_resume: z.number() })
    .optional(),
});
type ExpectedRun = z.infer<typeof expectedRun>;
const expectedSchema = z.looseObject({
  runs: z.record(z.string(), expectedRun),
  real_published: z.record(z.string(), expectedRun),
  real_runs: z.record(z.string(), expectedRun),
  real_index: z.looseObject({ rows_without_directory: z.number() }),
  broken_base: expectedRun,
});
const manifestSchema = z.looseObject({
  cases: z.array(
    z.looseObject({ name: z.string(), path: z.string(), violates: z.string(), severity: z.string() }),
  ),
});

/** The code under which each violation is reported, and where. */
const VIOLATIONS: Readonly<Record<string, readonly [code: string, file: string]>> = {
  'run_manifest.json required': ['MISSING_FILE', 'run_manifest.json'],
  json_parse: ['INVALID_JSON', 'run_manifest.json'],
  'len(predictions)==total_items_evaluated': ['ITEM_COUNT_MISMATCH', 'predictions.jsonl'],
  'prediction ids unique': ['DUPLICATE_EXAMPLE_ID', 'predictions.jsonl'],
  'outcome in {VALID_TRUE,VALID_FALSE,INVALID}': ['INVALID_VALUE', 'predictions.jsonl'],
  'correct == (parsed_label==ground_truth)': ['CORRECT_MISMATCH', 'predictions.jsonl'],
  'outcome matches parsed_label': ['OUTCOME_MISMATCH', 'predictions.jsonl'],
  'correct is null iff INVALID': ['CORRECT_NOT_NULL_IFF_INVALID', 'predictions.jsonl'],
  'metrics.json recomputes from predictions': ['METRIC_MISMATCH', 'metrics.json'],
  'metrics_summary == metrics.json': ['METRICS_SUMMARY_MISMATCH', 'run_manifest.json'],
  '64 lowercase hex': ['INVALID_VALUE', 'run_manifest.json'],
  'canonical_selector == data/canonical_v2_files.json': ['SELECTOR_NOT_CANONICAL', 'run_manifest.json'],
  'each line is a JSON object': ['INVALID_JSON', 'predictions.jsonl'],
  'ground_truth in {TRUE,FALSE}': ['UNKNOWN_GROUND_TRUTH', 'predictions.jsonl'],
  'latency_s >= 0': ['INVALID_VALUE', 'predictions.jsonl'],
  'run_id == directory name': ['RUN_ID_MISMATCH', 'run_manifest.json'],
  'no checkpoint after completion': ['CHECKPOINT_LEFT', '.eval_checkpoint.jsonl'],
  'sum(per_family.total)==total': ['FAMILY_TOTAL_MISMATCH', 'metrics.json'],
  'retry fields both null or both set': ['RETRY_PAIR_INCOMPLETE', 'predictions.jsonl'],
  'publish_receipt.run_id == manifest.run_id': ['RECEIPT_RUN_ID_MISMATCH', 'publish_receipt.json'],
  'created_utc ISO 8601 with offset': ['INVALID_VALUE', 'run_manifest.json'],
  'parsed_label is string or null': ['WRONG_TYPE', 'predictions.jsonl'],
};

function json<T>(schema: z.ZodType<T>, name: string): T {
  return schema.parse(JSON.parse(readFileSync(`${folder}${name}`, 'utf8')));
}

function treeOf(name: string): SourceTree {
  return { store: new LocalStore('/'), prefix: `${folder}${name}`.slice(1) };
}

/** The metrics of a run as `<scope> <metric>`. */
function metricsOf(run: CollectedRun, source: 'reported' | 'recomputed') {
  const rows = run.sink.table('metrics').filter((row) => row['source'] === source);
  return new Map(rows.map((row) => [`${row['scope']} ${row['metric']}`, row]));
}

/** Every number of an object, against the metrics of a scope. */
function compareNumbers(
  found: ReadonlyMap<string, Record<string, unknown>>,
  scope: string,
  expected: Record<string, unknown>,
): number {
  let compared = 0;
  for (const [metric, value] of Object.entries(expected)) {
    const row = found.get(`${scope} ${metric}`);
    if (typeof value !== 'number' || row === undefined) continue;
    expect(row['value'], `${scope} ${metric}`).toBeCloseTo(value, 12);
    compared++;
  }
  return compared;
}

function comparePredictions(run: CollectedRun, expected: z.infer<typeof predictions>): void {
  const found = metricsOf(run, 'recomputed');
  expect(run.sink.table('predictions')).toHaveLength(expected.rows);
  expect(run.sink.table('generations')).toHaveLength(expected.rows);
  expect(compareNumbers(found, 'overall', expected)).toBeGreaterThanOrEqual(12);
  expect(compareNumbers(found, 'overall', expected.confusion)).toBeGreaterThanOrEqual(17);
  const biased = expected.confusion['bias_verdict'] === 'LABEL-BIASED';
  expect(found.get('overall label_biased')?.['value']).toBe(biased ? 1 : 0);
  const accuracy = found.get('overall accuracy_valid');
  const interval = expected.wilson95_accuracy_valid;
  if (interval === null) expect(accuracy?.['ci_low']).toBeNull();
  else {
    expect(accuracy?.['ci_low']).toBeCloseTo(interval[0]!, 12);
    expect(accuracy?.['ci_high']).toBeCloseTo(interval[1]!, 12);
  }
  for (const [category, count] of Object.entries(expected.invalid_categories)) {
    expect(found.get(`overall invalid_${category}`)?.['value'], category).toBe(count);
  }
  const families = [...found.keys()].flatMap((key) => /^family:(\S+) total$/.exec(key)?.[1] ?? []);
  expect(families.sort()).toEqual(Object.keys(expected.per_family).sort());
  for (const [family, values] of Object.entries(expected.per_family)) {
    const scope = `family:${family}`;
    expect(compareNumbers(found, scope, values)).toBe(10);
    expect(found.get(`${scope} label_biased`)?.['value']).toBe(
      values['bias_verdict'] === 'LABEL-BIASED' ? 1 : 0,
    );
    const wilson = values['wilson95'];
    if (!Array.isArray(wilson)) continue;
    expect(found.get(`${scope} accuracy_valid`)?.['ci_low']).toBeCloseTo(Number(wilson[0]), 12);
    expect(found.get(`${scope} accuracy_valid`)?.['ci_high']).toBeCloseTo(Number(wilson[1]), 12);
  }
}

function compareRun(run: CollectedRun, expected: ExpectedRun): void {
  const { columns } = run.summary;
  expect(run.summary.accepted).toBe(true);
  expect(columns.benchmark).toBe('chaosbench');
  if (expected.checkpoint !== undefined) {
    expect(columns).toMatchObject({ status: 'partial', verdict: null });
    expect(run.sink.table('predictions')).toHaveLength(expected.checkpoint.distinct_ids);
    expect(metricsOf(run, 'recomputed').get('overall would_be_retried_on_resume')?.['value']).toBe(
      expected.checkpoint.would_be_retried_on_resume,
    );
    return;
  }
  expect(columns).toMatchObject({ status: 'completed', verdict: expected.policy_verdict });
  const flags = [
    ['sha_matches_legacy_formula', expected.sha_matches_legacy_formula],
    ['subset_without_max_items', expected.subset_without_max_items],
    ['mock_provider', expected.excluded_from_paper_tables_by_code],
  ].flatMap(([flag, raised]) => (raised === true ? [flag] : []));
  expect(columns.verdict_reasons).toEqual([...(expected.failed_criteria ?? []), ...flags]);
  const { per_family: families, per_split: splits, ...overall } = expected.metrics ?? {};
  const reported = metricsOf(run, 'reported');
  expect(compareNumbers(reported, 'overall', overall)).toBe(10);
  for (const [key, groups] of [
    ['family', families],
    ['split', splits],
  ] as const) {
    for (const [name, values] of Object.entries(z.record(z.string(), scores).parse(groups))) {
      expect(compareNumbers(reported, `${key}:${name}`, values)).toBe(Object.keys(values).length);
    }
  }
  if (expected.predictions !== undefined) comparePredictions(run, expected.predictions);
}

describe.skipIf(sharedDir === undefined)('ChaosBench runs', () => {
  let expected: z.infer<typeof expectedSchema>;
  beforeAll(() => {
    expected = json(expectedSchema, 'expected.json');
  });

  test('the project: every run once, with the verdict and the numbers of the reference', async () => {
    const runs = await readRuns(CHAOSBENCH, `${folder}mini_project`);
    const labels = [...runs.keys()].map((path) => path.split('/')[1]);
    expect(labels.sort()).toEqual(Object.keys(expected.runs).sort());
    for (const [path, run] of runs) {
      const [place, label, name] = path.split('/');
      expect(place).toBe('runs');
      expect(run.candidate.runId).toBe(`main/chaosbench/${label}/${name}`);
      compareRun(run, expected.runs[label!]!);
    }
    const codes = (label: string) =>
      [...runs]
        .find(([path]) => path.split('/')[1] === label)![1]
        .sink.issues.map(({ severity, code }) => `${severity} ${code}`);
    expect(codes('full_messy')).toEqual([]);
    expect(codes('flaky')).toEqual(['info MISSING_FILE']);
    expect(codes('sub_odd').sort()).toEqual([
      'warning DUPLICATE_EXAMPLE_ID',
      'warning ITEM_COUNT_MISMATCH',
      'warning UNKNOWN_GROUND_TRUTH',
    ]);
  });

  test('the real runs: published without predictions, one with, two interrupted', async () => {
    const runs = await readRuns(CHAOSBENCH, `${folder}real`);
    const published = Object.entries(expected.real_published).map(([name, run]) => ({
      path: `published_results/runs/${name}`,
      run,
    }));
    const live = Object.entries(expected.real_runs).map(([label, run]) => ({ path: `runs/${label}`, run }));
    for (const { path, run } of [...published, ...live]) {
      const found = [...runs].filter(([candidate]) => candidate.startsWith(path));
      expect(found, path).toHaveLength(1);
      compareRun(found[0]![1], run);
    }
    expect(runs.size).toBe(published.length + live.length);
  });

  test('a published tree by itself holds the same runs, by the same ids', async () => {
    const ids = new Set((await findRuns(CHAOSBENCH, treeOf('mini_project'))).map(({ runId }) => runId));
    const published = await readRuns(CHAOSBENCH, `${folder}mini_project/published_results`);
    expect(published.size).toBe(11);
    for (const { candidate, summary, sink } of published.values()) {
      expect(ids).toContain(candidate.runId);
      expect(summary.accepted).toBe(true);
      const label = candidate.runId.split('/')[2]!;
      expect(summary.columns.verdict).toBe(expected.runs[label]!.policy_verdict);
      // One subset file is listed in its receipt; the other was left by an earlier publication.
      expect(sink.table('predictions')).toHaveLength(label === 'flaky' ? 120 : 0);
      const stale = sink.issues.some(({ code }) => code === 'FILE_NOT_IN_RECEIPT');
      expect(stale).toBe(label === 'sub_max200');
    }
    const elsewhere = await readRuns(CHAOSBENCH, `${folder}mini_project/pub_alt`);
    const [run] = elsewhere.values();
    expect(run!.candidate.runId).toBe('main/chaosbench/allinvalid/20261120T202748Z_ollama_synth-empty:27b');
    comparePredictions(run!, expected.runs['allinvalid']!.predictions!);
  });

  test('what is no run of its own is said', async () => {
    const notes = async (name: string) => {
      const issues: Issue[] = [];
      await findRuns(CHAOSBENCH, treeOf(name), { issue: (issue) => issues.push(issue) });
      return (code: string) => issues.filter((issue) => issue.code === code);
    };
    const mini = await notes('mini_project');
    expect(mini('PUBLISHED_COPY')).toHaveLength(12);
    expect(mini('PUBLISHED_INDEX_ORPHAN')).toEqual([]);
    expect(mini('RESULT_TABLES_IGNORED').map(({ file }) => file?.split('/').at(-1))).toEqual([
      'paper_assets',
      'runs_audit',
    ]);
    const orphans = (await notes('real'))('PUBLISHED_INDEX_ORPHAN');
    // The index lists 40 runs; of the 11 that exist, 4 are in the fixture.
    expect(orphans).toHaveLength(36);
    expect(orphans.every(({ severity, line }) => severity === 'info' && line !== undefined)).toBe(true);
  });

  test('every broken run is reported as what it is', async () => {
    const { cases } = json(manifestSchema, 'broken/manifest.json');
    const runs = await readRuns(CHAOSBENCH, `${folder}broken`);
    expect(runs.size).toBe(cases.length);
    expect(new Set([...runs.values()].map(({ candidate }) => candidate.runId)).size).toBe(cases.length);
    for (const { path, violates, severity } of cases) {
      const run = runs.get(path.replace('broken/', ''))!;
      const [code, file] = VIOLATIONS[violates]!;
      expect(
        run.sink.issues.some((i) => i.severity === severity && i.code === code && i.file === file),
        `${path}: ${violates}`,
      ).toBe(true);
      expect(run.summary.accepted, path).toBe(severity !== 'error');
      if (severity === 'error') continue;
      expect(run.sink.issues).toHaveLength(1);
      comparePredictions(run, expected.broken_base.predictions!);
    }
  });

  test('leniently, a bad record costs only itself', async () => {
    const read = (name: string) => readRuns(CHAOSBENCH, `${folder}broken/${name}`, { lenient: true });
    for (const name of ['b05_bad_outcome', 'b06_correct_flag', 'b13_jsonl_garbage', 'b14_gt_domain']) {
      const [run] = (await read(name)).values();
      expect(run!.summary.accepted, name).toBe(true);
      expect(run!.sink.table('predictions'), name).toHaveLength(39);
      expect(run!.sink.issues.every(({ severity }) => severity === 'warning')).toBe(true);
    }
    for (const name of ['b01_missing_manifest', 'b09_metrics_accuracy', 'b16_run_id_mismatch']) {
      const [run] = (await read(name)).values();
      expect(run!.summary.accepted, name).toBe(false);
    }
  });
});
