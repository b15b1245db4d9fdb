import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { promptHash, recipeExampleId } from '../../ingest/families/hallulens/identity.ts';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import type { Issue, RunSummary } from '../../ingest/family.ts';
import { findRuns, type MemorySink, memorySink } from '../../ingest/testing.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { sharedDir } from '../support/shared.ts';

const fixtures = `${sharedDir}fixtures/hallulens`;

interface ReadRun {
  readonly runId: string;
  readonly sink: MemorySink;
  readonly summary: RunSummary;
}

async function readAll(path: string, lenient = false): Promise<Map<string, ReadRun>> {
  const tree = { store: new LocalStore('/'), prefix: path.replace(/^\/|\/$/g, '') };
  const context = { tree, lenient };
  const runs = new Map<string, ReadRun>();
  for (const candidate of await findRuns(HALLULENS, tree)) {
    const sink = memorySink(HALLULENS, context);
    const summary = await HALLULENS.read(candidate, sink, context);
    runs.set(candidate.root.slice(tree.prefix.length + 1), { runId: candidate.runId, sink, summary });
  }
  return runs;
}

const manifestSchema = z.object({
  violations: z.array(
    z.object({
      run_dir: z.string(),
      violation: z.string(),
      file: z.string(),
      detail: z.string(),
      also_triggers: z.array(z.string()),
    }),
  ),
});

const errorsOf = (issues: readonly Issue[]) => issues.filter((issue) => issue.severity === 'error');

describe.skipIf(sharedDir === undefined)('broken contract runs', async () => {
  if (sharedDir === undefined) return;
  const { violations } = manifestSchema.parse(
    JSON.parse(readFileSync(`${fixtures}/bad/manifest.json`, 'utf8')),
  );
  const strict = await readAll(`${fixtures}/bad`);
  const lenient = await readAll(`${fixtures}/bad`, true);

  test.each(violations)('$violation is found in $file', ({ run_dir, violation, file, also_triggers }) => {
    const run = strict.get(run_dir)!;
    const code = violation.toUpperCase();
    const allowed = also_triggers.map((text) => text.split(' ')[0]!.toUpperCase());
    const errors = errorsOf(run.sink.issues);
    expect(run.summary.accepted).toBe(false);
    expect(errors.map((issue) => issue.code)).toContain(code);
    expect(errors.filter((issue) => issue.code !== code && !allowed.includes(issue.code))).toEqual([]);
    const warnings = run.sink.issues.filter((issue) => issue.severity === 'warning');
    expect(warnings.filter((issue) => !allowed.includes(issue.code))).toEqual([]);
    const found = errors.filter((issue) => issue.code === code);
    if (file !== 'activation store') expect(found.map((issue) => issue.file)).toEqual(found.map(() => file));
    expect(run.summary.columns.verdict).toBe('NONCOMPLIANT');
  });

  const where = (seed: number, code: string) => {
    const [, run] = [...strict].find(([root]) => root.endsWith(`seed_${seed}`))!;
    return run.sink.issues
      .filter((issue) => issue.code === code)
      .map(({ line, pointer }) => ({ line, pointer }));
  };

  test('places are lines of the file, from 1, and JSON pointers', () => {
    expect(where(301, 'MISSING_REQUIRED_FIELD')).toEqual([
      { line: undefined, pointer: '/activation_logging/token_selector' },
    ]);
    // Data rows 1 and 4 from 0, below the header.
    expect(where(303, 'LABEL_MISMATCH').map(({ line }) => line)).toEqual([3, 6]);
    expect(where(304, 'UNKNOWN_EXAMPLE_ID')).toEqual([{ line: 2, pointer: '/example_id' }]);
    expect(where(306, 'DUPLICATE_EXAMPLE_ID')).toEqual([{ line: 16, pointer: '/example_id' }]);
    expect(where(307, 'NAN_SCORE')).toEqual([{ line: 5, pointer: '/score_halu' }]);
    expect(where(309, 'WRONG_CSV_HEADER')).toEqual([{ line: 1, pointer: undefined }]);
    expect(where(310, 'NON_UTF8_BYTES')).toEqual([{ line: 4, pointer: undefined }]);
    expect(where(311, 'SCORE_NOT_NUMERIC')).toEqual([{ line: 4, pointer: '/score_halu' }]);
    expect(where(313, 'SEED_PATH_MISMATCH')).toEqual([{ line: undefined, pointer: '/seed' }]);
    expect(where(314, 'METRIC_MISMATCH')).toEqual([{ line: undefined, pointer: '/auroc' }]);
    expect(where(316, 'N_EXAMPLES_MISMATCH')).toEqual([{ line: undefined, pointer: '/n_examples' }]);
    expect(where(320, 'JSON_NAN_LITERAL')).toEqual([{ line: undefined, pointer: '/auroc' }]);
    expect(where(321, 'NO_ACTIVATION_LINK')).toEqual([{ line: 6, pointer: undefined }]);
  });

  const LENIENT = [
    { seed: 303, dropped: 'predictions', rows: 2 },
    { seed: 304, dropped: 'predictions', rows: 1 },
    { seed: 305, dropped: 'predictions', rows: 1 },
    { seed: 306, dropped: 'generations', rows: 1 },
    { seed: 307, dropped: 'predictions', rows: 1 },
    { seed: 308, dropped: 'generations', rows: 1 },
    { seed: 310, dropped: 'generations', rows: 1 },
    { seed: 311, dropped: 'predictions', rows: 1 },
    { seed: 317, dropped: 'predictions', rows: 1 },
    { seed: 321, dropped: 'generations', rows: 1 },
  ] as const;

  test.each(LENIENT)(
    'lenient: seed $seed is read without $rows of its $dropped',
    ({ seed, dropped, rows }) => {
      const [root, run] = [...lenient].find(([key]) => key.endsWith(`seed_${seed}`))!;
      expect(errorsOf(run.sink.issues)).toEqual([]);
      expect(run.summary.accepted).toBe(true);
      const file = dropped === 'predictions' ? 'predictions.csv' : 'generations.jsonl';
      const text = readFileSync(`${fixtures}/bad/${root}/${file}`, 'utf8');
      const records =
        text.split('\n').filter((line) => line !== '').length - (dropped === 'predictions' ? 1 : 0);
      expect(run.sink.table(dropped).length).toBe(records - rows);
    },
  );

  test.each([300, 301, 309, 313, 314, 316, 320])('lenient: seed %i is rejected still', (seed) => {
    const [, run] = [...lenient].find(([key]) => key.endsWith(`seed_${seed}`))!;
    expect(run.summary.accepted).toBe(false);
  });
});

const manifestFileSchema = z.object({
  created_at: z.string(),
  git: z.object({ commit: z.string(), dirty: z.boolean() }),
});

const expectedRunSchema = z.object({
  method: z.string(),
  seed: z.number(),
  benchmark: z.string(),
  model_id: z.string(),
  split: z.string(),
  activation_format: z.string(),
  n_generations: z.number(),
  n_generations_by_split: z.record(z.string(), z.number()),
  n_predictions: z.number(),
  n_halu_predictions: z.number(),
  n_halu_generations: z.number(),
  sum_score_halu: z.number(),
  min_score: z.number(),
  max_score: z.number(),
  n_train_metrics: z.number(),
  last_train_loss: z.number(),
  n_with_hashkey: z.number(),
  n_with_timing: z.number(),
  response_utf8_bytes_total: z.number(),
  example_ids_sorted_sha256: z.string(),
  metrics: z.record(z.string(), z.number().nullable()),
  extended: z.record(z.string(), z.number()),
});
const expectedSchema = z.object({ good: z.object({ runs: z.record(z.string(), expectedRunSchema) }) });

describe.skipIf(sharedDir === undefined)('contract runs', async () => {
  if (sharedDir === undefined) return;
  const { good } = expectedSchema.parse(JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8')));
  const runs = await readAll(`${fixtures}/good/runs`);

  test.each(Object.entries(good.runs))('%s', (path, expected) => {
    const run = runs.get(path.replace(/^runs\//, ''))!;
    expect(run.sink.issues).toEqual([]);
    expect(run.summary.accepted).toBe(true);
    const { columns } = run.summary;
    expect(columns).toMatchObject({
      method: expected.method,
      seed: BigInt(expected.seed),
      benchmark: expected.benchmark,
      model_id: expected.model_id,
      split: expected.split,
      run_date: '2026-01-20',
      status: 'completed',
      verdict: 'COMPLIANT',
      verdict_reasons: [],
    });
    const recorded = manifestFileSchema.parse(
      JSON.parse(readFileSync(`${fixtures}/good/${path}/run_manifest.json`, 'utf8')),
    );
    expect([columns.git_commit, columns.git_dirty]).toEqual([recorded.git.commit, recorded.git.dirty]);
    expect(columns.created_at).toBe(BigInt(Date.parse(recorded.created_at)) * 1000n);
    const checklist = z
      .array(z.object({ item: z.string(), passed: z.boolean(), detail: z.string() }))
      .parse(JSON.parse(columns.compliance!));
    expect(checklist.length).toBeGreaterThanOrEqual(7);
    expect(checklist.every((item) => item.passed)).toBe(true);

    const generations = run.sink.table('generations');
    expect(generations.length).toBe(expected.n_generations);
    const bySplit: Record<string, number> = {};
    for (const { split } of generations) bySplit[String(split)] = (bySplit[String(split)] ?? 0) + 1;
    expect(bySplit).toEqual(expected.n_generations_by_split);
    expect(generations.filter((row) => row['halu'] === true).length).toBe(expected.n_halu_generations);
    expect(generations.filter((row) => String(row['extra']).includes('"hashkey"')).length).toBe(
      expected.n_with_hashkey,
    );
    expect(generations.filter((row) => row['timing'] !== null).length).toBe(expected.n_with_timing);
    const bytes = generations.reduce((sum, row) => sum + Buffer.byteLength(String(row['response'])), 0);
    expect(bytes).toBe(expected.response_utf8_bytes_total);
    const ids = generations.map((row) => String(row['example_id'])).sort();
    expect(createHash('sha256').update(ids.join('\n')).digest('hex')).toBe(
      expected.example_ids_sorted_sha256,
    );
    for (const row of generations) {
      expect(
        recipeExampleId(
          String(row['benchmark']),
          String(row['split']),
          String(row['prompt']),
          String(row['model_id']),
          Number(row['seed']),
        ),
      ).toBe(row['example_id']);
      expect(promptHash(String(row['prompt']))).toBe(row['activation_key']);
    }

    const predictions = run.sink.table('predictions');
    const scores = predictions.map((row) => Number(row['score_halu']));
    expect(predictions.length).toBe(expected.n_predictions);
    expect(predictions.filter((row) => row['label_halu'] === true).length).toBe(expected.n_halu_predictions);
    expect(scores.reduce((a, b) => a + b, 0)).toBeCloseTo(expected.sum_score_halu, 9);
    expect([Math.min(...scores), Math.max(...scores)]).toEqual([expected.min_score, expected.max_score]);

    const trained = run.sink.table('train_metrics');
    expect(trained.length).toBe(expected.n_train_metrics);
    expect(trained.findLast((row) => row['split'] === 'train')!['loss']).toBe(expected.last_train_loss);

    const metrics = run.sink.table('metrics');
    const value = (metric: string, source: string) =>
      Number(metrics.find((row) => row['metric'] === metric && row['source'] === source)?.['value']);
    for (const [metric, reported] of Object.entries(expected.metrics)) {
      if (reported === null) continue;
      expect(value(metric, 'reported')).toBe(reported);
      if (metric !== 'threshold') expect(value(metric, 'recomputed')).toBeCloseTo(reported, 9);
    }
    expect(value('ece', 'recomputed')).toBeCloseTo(
      expected.extended['ece_15bin_equal_width_clipped_to_0_1']!,
      12,
    );
    expect(value('fpr_at_95_tpr', 'recomputed')).toBeCloseTo(
      expected.extended['fpr_at_95_tpr_interpolated']!,
      12,
    );

    const [store] = run.sink.stores;
    expect(store!.ref.format).toBe(expected.activation_format);
    expect(new Set(store!.keys)).toEqual(new Set(generations.map((row) => row['activation_key'])));
    expect(store!.damaged).toEqual([]);
  });
});
