import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import type { RunSummary } from '../../ingest/family.ts';
import { findRuns, type MemorySink, memorySink } from '../../ingest/testing.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { sharedDir } from '../support/shared.ts';

const fixtures = `${sharedDir}fixtures/hallulens`;

const runSchema = z.object({
  files: z.array(z.string()),
  subdirs: z.array(z.string()),
  eval_metrics: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])).nullable(),
  predictions: z
    .object({ columns: z.array(z.string()), rows: z.number(), n_halu: z.number(), sum_score: z.number() })
    .nullable(),
});
const expectedSchema = z.object({ real_runner: z.record(z.string(), runSchema) });
const extendedSchema = z.record(z.string(), z.unknown());

describe.skipIf(sharedDir === undefined)('runs of the original runner', async () => {
  if (sharedDir === undefined) return;
  const { real_runner: expected } = expectedSchema.parse(
    JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8')),
  );
  const root = `${fixtures}/good/real_runner`;
  const tree = { store: new LocalStore('/'), prefix: root.replace(/^\//, '') };
  const context = { tree, lenient: false };
  const runs = new Map<string, { readonly sink: MemorySink; readonly summary: RunSummary }>();
  for (const candidate of await findRuns(HALLULENS, tree)) {
    const sink = memorySink(HALLULENS, context);
    const summary = await HALLULENS.read(candidate, sink, context);
    runs.set(candidate.root.slice(tree.prefix.length + 1), { sink, summary });
  }

  test('all of them are found', () => {
    expect([...runs.keys()].sort()).toEqual(Object.keys(expected).sort());
  });

  test.each(Object.entries(expected))('%s', (path, run) => {
    const { sink, summary } = runs.get(path)!;
    expect(summary.accepted).toBe(true);
    const { columns } = summary;
    const metrics = sink.table('metrics');
    const reported = (name: string) =>
      metrics.find((row) => row['metric'] === name && row['source'] === 'reported');
    expect(columns.benchmark).toBe('tiny_memmap');
    expect(columns.model_id).toBe('tiny-llama-h128');
    expect(columns.method).toBe(path.split('/')[3]);
    expect(columns.git_commit).toBe('94561f8');
    expect(columns.git_dirty).toBe(true);
    expect(columns.verdict).toBeNull();
    const seed = /seed_(\d+)$/.exec(path)?.[1];
    expect(columns.seed).toBe(seed === undefined ? null : BigInt(seed));
    expect(columns.status).toBe(run.eval_metrics === null ? 'failed' : 'completed');

    for (const [name, value] of Object.entries(run.eval_metrics ?? {})) {
      if (['method', 'dataset', 'seed', 'split_seed'].includes(name)) continue;
      if (typeof value === 'number' || value === null) expect(reported(name)?.['value']).toBe(value);
      else expect(columns.manifest).toContain(`"${name}":${JSON.stringify(value)}`);
    }
    const predictions = sink.table('predictions');
    expect(predictions.length).toBe(run.predictions?.rows ?? 0);
    if (run.predictions !== null) {
      expect(predictions.filter((row) => row['label_halu'] === true).length).toBe(run.predictions.n_halu);
      const sum = predictions.reduce((total, row) => total + Number(row['score_halu']), 0);
      expect(sum).toBeCloseTo(run.predictions.sum_score, 9);
      const kind = path.includes('/icr_probe/') ? 'prompt_hash' : 'row_index';
      for (const row of predictions) expect(row['extra']).toBe(`{"example_id_kind":"${kind}"}`);
      const computed = metrics.find((row) => row['metric'] === 'auroc' && row['source'] === 'recomputed');
      const extended = extendedSchema.parse(
        JSON.parse(readFileSync(`${root}/${path}/eval_metrics_extended.json`, 'utf8')),
      );
      expect(computed?.['value']).toBeCloseTo(Number(extended['auroc']), 12);
      const [low, high] = z.array(z.number()).parse(extended['auroc_ci95']);
      expect(reported('auroc')).toMatchObject({ ci_low: low, ci_high: high });
      for (const name of ['auprc', 'fpr_at_95_tpr', 'ece']) {
        expect(reported(name)?.['value']).toBe(extended[name]);
        if (extended[name] === null) continue;
        const row = metrics.find((r) => r['metric'] === name && r['source'] === 'recomputed');
        expect(row?.['value']).toBeCloseTo(Number(extended[name]), 12);
      }
    }
    const codes = sink.issues
      .filter((issue) => issue.severity !== 'info')
      .map(({ severity, code }) => `${severity} ${code}`);
    const constant = path.includes('/saplma/');
    expect(codes).toEqual(
      run.eval_metrics === null ? ['warning RUN_ERROR'] : constant ? ['warning NEAR_CONSTANT_SCORE'] : [],
    );
  });

  test('a failed run keeps its traceback', () => {
    const { sink } = runs.get('runs/baseline_comparison_tiny/tiny_memmap/multi_layer_linear_probe/seed_1')!;
    const [issue] = sink.issues.filter(({ code }) => code === 'RUN_ERROR');
    expect(issue).toMatchObject({ severity: 'warning', file: 'run_error.json', pointer: '/error' });
    expect(issue!.message).toContain("AttributeError: 'MemmapContrastiveDataset' object has no attribute");
  });
});
