import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { INJECTION_SCORES } from '../../ingest/contracts/fv/injection.ts';
import { FV } from '../../ingest/families/fv/index.ts';
import { type CollectedRun, findRuns, memorySink, readRuns } from '../../ingest/testing.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import type { Row } from '../../lake/tables/schema.ts';
import { sharedDir } from '../support/shared.ts';

const fixtures = `${sharedDir}fixtures/fv`;

const matrix = z.array(z.array(z.number()));
const layerSchema = z.object({
  ...Object.fromEntries(INJECTION_SCORES.map((name) => [name, z.number()])),
  n_eval: z.number(),
});
const completedSchema = z.object({
  model: z.string(),
  qid_status: z.object({ q_id: z.string(), status: z.string(), reason: z.string() }),
  config: z.object({ n_trials_per_q: z.number(), topk: z.number(), seed: z.number() }),
  n_layers: z.number(),
  n_heads: z.number(),
  aie_mean_delta_p: matrix,
  aie_mean_delta_logit: matrix,
  mean_act_norm: matrix,
  aie_sha256_float64_le_rowmajor: z.string(),
  aie_sum: z.number(),
  aie_abs_sum: z.number(),
  aie_csv_row_order_first10: matrix,
  baseline_mean_p: z.number(),
  k: z.number(),
  top_heads: matrix,
  fv_global: z.object({
    shape: z.array(z.number()),
    norm: z.number(),
    sum: z.number(),
    first8: z.array(z.number()),
    sha256_float32_le: z.string(),
  }),
  fv_by_layer_norms: z.record(z.string(), z.number()),
  clean_mean: z.object({ shape: z.array(z.number()), slot_q: z.number(), norm: z.number() }),
  trials: z.array(
    z.object({
      trial_idx: z.number(),
      query: z.string(),
      target_first_token_id: z.number(),
      clean_sha256: z.string(),
      corrupted_sha256: z.string(),
    }),
  ),
  step6: z.object({
    best_layer: z.number(),
    best_score: z.number(),
    layers: z.record(z.string(), layerSchema),
    eval_order_prompts: z.array(z.string()),
  }),
  stepE_eval: z.json(),
  row_counts: z.object({
    'trial_metrics.jsonl': z.number(),
    'cie_scores.csv': z.number(),
    'aie_scores.csv': z.number(),
  }),
});
type Completed = z.infer<typeof completedSchema>;
const expectedSchema = z.object({ runs: z.record(z.string(), z.unknown()) });

/** Single precision, summed in another order. */
const SINGLE = 1e-6;

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function close(actual: unknown, expected: number, relative = 1e-12): void {
  expect(Math.abs(Number(actual) - expected)).toBeLessThanOrEqual(
    relative * Math.max(1e-12, Math.abs(expected)),
  );
}

/** A column of fv_heads as layers x heads. */
function headMatrix(rows: readonly Row[], name: string): number[][] {
  const cells: number[][] = [];
  for (const row of rows) {
    const layer = cells[Number(row['layer'])] ?? [];
    cells[Number(row['layer'])] = layer;
    layer[Number(row['head'])] = Number(row[name]);
  }
  return cells;
}

function metric(run: CollectedRun, name: string, source: string, scope = 'overall'): unknown {
  const found = run.sink
    .table('metrics')
    .filter((row) => row['metric'] === name && row['source'] === source && row['scope'] === scope);
  expect(found).toHaveLength(1);
  return found[0]?.['value'];
}

describe.skipIf(sharedDir === undefined)('function-vector runs', async () => {
  if (sharedDir === undefined) return;
  const { runs: expected } = expectedSchema.parse(
    JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8')),
  );
  const reads = async (directory: string) => readRuns(FV, `${fixtures}/${directory}`);
  const [full, small, interrupted] = await Promise.all(
    ['run_full_llama_a', 'run_small_llama_a', 'interrupted_llama_a'].map(reads),
  );

  test('all of expected.json is covered', () => {
    expect(Object.keys(expected).sort()).toEqual([
      'run_full_llama_a/Q14',
      'run_full_llama_a/Q3',
      'run_small_llama_a/Q3',
    ]);
    expect([...full!.keys()]).toEqual(['relationA_ex/Q14', 'relationA_ex/Q3']);
    expect([...small!.keys()]).toEqual(['relationA_ex/Q3']);
  });

  describe.each(['run_full_llama_a/Q3', 'run_small_llama_a/Q3'])('%s', (name) => {
    const run = (name.startsWith('run_full') ? full : small)!.get('relationA_ex/Q3')!;
    const want: Completed = completedSchema.parse(expected[name]);
    const heads = run.sink.table('fv_heads');
    const vectors = (kind: string) => run.sink.table('fv_vectors').filter((row) => row['kind'] === kind);

    test('is complete, without an issue', () => {
      expect(run.sink.issues).toEqual([]);
      expect(run.summary.accepted).toBe(true);
      expect(run.summary.columns).toMatchObject({
        status: want.qid_status.status,
        model_id: want.model,
        benchmark: 'relationA_ex',
        split: want.qid_status.q_id,
        seed: want.config.seed,
      });
      expect(JSON.parse(run.summary.columns.manifest ?? '')).toMatchObject({
        ...want.qid_status,
        runlake: { n_layers: want.n_layers, n_heads: want.n_heads, topk: want.k, step_e: want.stepE_eval },
      });
    });

    test('heads: every score, bit for bit, and the ranking', () => {
      expect(heads).toHaveLength(want.row_counts['cie_scores.csv']);
      const scores = headMatrix(heads, 'mean_delta_p');
      expect(scores).toEqual(want.aie_mean_delta_p);
      expect(sha256(Buffer.from(Float64Array.from(scores.flat()).buffer))).toBe(
        want.aie_sha256_float64_le_rowmajor,
      );
      expect(headMatrix(heads, 'mean_delta_logit')).toEqual(want.aie_mean_delta_logit);
      expect(headMatrix(heads, 'mean_act_norm')).toEqual(want.mean_act_norm);
      const ranked = heads.toSorted((a, b) => Number(a['rank']) - Number(b['rank']));
      expect(ranked.slice(0, 10).map((row) => [row['layer'], row['head']])).toEqual(
        want.aie_csv_row_order_first10,
      );
      expect(
        ranked
          .filter((row) => row['selected'] === true)
          .map((row) => [row['layer'], row['head'], row['mean_delta_p']]),
      ).toEqual(want.top_heads);
      expect(ranked[want.k - 1]?.['selected']).toBe(true);
      for (const source of ['reported', 'recomputed']) {
        close(metric(run, 'aie_sum', source), want.aie_sum, 1e-9);
        close(metric(run, 'aie_abs_sum', source), want.aie_abs_sum, 1e-9);
        close(metric(run, 'baseline_mean_p', source), want.baseline_mean_p, 1e-9);
      }
    });

    test('trials: prompts, targets, and a row a head', () => {
      expect(run.sink.table('fv_trials')).toHaveLength(want.row_counts['trial_metrics.jsonl']);
      const prompts = run.sink
        .table('generations')
        .filter((row) => String(row['example_id']).startsWith('Q3/trial/'));
      expect(
        prompts.map((row) => {
          const extra = JSON.parse(String(row['extra']));
          return {
            trial_idx: extra.trial_idx,
            query: extra.query.input,
            target_first_token_id: extra.target_first_token_id,
            clean_sha256: sha256(extra.clean_prompt_str).slice(0, 16),
            corrupted_sha256: sha256(String(row['prompt'])).slice(0, 16),
          };
        }),
      ).toEqual(want.trials);
      expect(want.trials).toHaveLength(want.config.n_trials_per_q);
    });

    test('vectors: stride and offset honoured', () => {
      const [global] = vectors('fv_global_resid');
      const values = global?.['vector'] as Float32Array;
      expect(global).toMatchObject({ dim: want.fv_global.shape[0], dtype: 'float32' });
      expect(global?.['layer'] ?? null).toBeNull();
      expect([...values.slice(0, 8)]).toEqual(want.fv_global.first8);
      expect(sha256(Buffer.from(values.buffer, values.byteOffset, values.byteLength))).toBe(
        want.fv_global.sha256_float32_le,
      );
      close(global?.['norm'], want.fv_global.norm, SINGLE);
      expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(want.fv_global.sum, 5);
      const byLayer = vectors('fv_by_layer');
      expect(byLayer.map((row) => String(row['layer']))).toEqual(Object.keys(want.fv_by_layer_norms));
      for (const row of byLayer)
        close(row['norm'], want.fv_by_layer_norms[String(row['layer'])] ?? 0, SINGLE);

      const means = vectors('clean_mean');
      const [layers = 0, perLayer = 0, dim] = want.clean_mean.shape;
      expect(means).toHaveLength(layers * perLayer);
      expect(new Set(means.map((row) => row['dim']))).toEqual(new Set([dim]));
      close(Math.hypot(...means.map((row) => Number(row['norm']))), want.clean_mean.norm, SINGLE);
      expect(JSON.parse(String(means[0]?.['extra']))).toMatchObject({ slot_q: want.clean_mean.slot_q });
      for (const head of heads) {
        const mean = means.find((row) => row['layer'] === head['layer'] && row['head'] === head['head']);
        close(mean?.['norm'], Number(head['clean_mean_norm']), SINGLE);
      }
    });

    test('injections: every number of every layer, reported and recomputed', () => {
      const injections = run.sink.table('fv_injections');
      expect(injections.map((row) => String(row['layer']))).toEqual(Object.keys(want.step6.layers));
      for (const [layer, numbers] of Object.entries(want.step6.layers)) {
        expect(injections[Number(layer)]).toMatchObject(numbers);
        for (const name of INJECTION_SCORES) {
          const value = z.number().parse(Object.entries(numbers).find(([key]) => key === name)?.[1]);
          expect(metric(run, name, 'reported', `layer:${layer}`)).toBe(value);
          close(metric(run, name, 'recomputed', `layer:${layer}`), value, 1e-9);
        }
      }
      for (const source of ['reported', 'recomputed']) {
        expect(metric(run, 'best_layer', source)).toBe(want.step6.best_layer);
        close(metric(run, 'best_score', source), want.step6.best_score, 1e-9);
        close(metric(run, 'mean_delta_p', source), want.step6.best_score, 1e-9);
      }
      const nEval = want.step6.layers['0']?.n_eval ?? 0;
      const examples = want.n_layers * nEval;
      const trials = run.sink.table('fv_injection_trials');
      expect(trials).toHaveLength(examples);
      for (let layer = 0; layer < want.n_layers; layer++) {
        const own = trials.filter((row) => row['layer'] === layer);
        expect(own.map((row) => row['prompt'])).toEqual(want.step6.eval_order_prompts);
      }
      expect(run.sink.table('predictions')).toHaveLength(examples);
      expect(run.sink.table('generations')).toHaveLength(want.trials.length + nEval);
    });
  });

  test('a skipped query is a run with a reason and no rows', () => {
    const { sink, summary } = full!.get('relationA_ex/Q14')!;
    expect(summary).toMatchObject({ accepted: true, columns: { status: 'skipped', split: 'Q14' } });
    expect(JSON.parse(summary.columns.manifest ?? '')).toMatchObject({
      q_row_count: 7,
      reason: 'insufficient rows (7 < 10)',
    });
    expect(sink.issues).toEqual([
      {
        severity: 'info',
        code: 'RUN_SKIPPED',
        file: 'artifacts/qid_status.json',
        pointer: '/reason',
        message: 'insufficient rows (7 < 10)',
      },
    ]);
    for (const table of ['generations', 'metrics', 'fv_heads', 'fv_vectors', 'fv_injections'])
      expect(sink.table(table)).toEqual([]);
  });

  test('an interrupted query has the rows of its resume files, the torn one left out', () => {
    const { sink, summary } = interrupted!.get('Q3')!;
    expect(summary).toMatchObject({
      accepted: true,
      columns: { status: 'running', benchmark: 'relationA_ex' },
    });
    expect(sink.table('fv_heads')).toHaveLength(20);
    expect(sink.table('fv_trials')).toHaveLength(97);
    expect(sink.table('fv_heads').every((row) => row['partial'] === true)).toBe(true);
    expect(sink.table('generations')).toHaveLength(5);
    // It is the small run as it was before it was resumed.
    const done = headMatrix(small!.get('relationA_ex/Q3')!.sink.table('fv_heads'), 'mean_delta_p');
    for (const row of sink.table('fv_heads'))
      expect(row['mean_delta_p']).toBe(done[Number(row['layer'])]?.[Number(row['head'])]);
    expect(sink.issues.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
      'warning TRUNCATED_LAST_LINE',
      'info TRIAL_ROWS_SHORT',
      'info HEADS_MISSING',
      'info RUN_UNFINISHED',
    ]);
  });
});

const superSchema = z.record(
  z.string(),
  z.object({
    best_layer: z.number(),
    best_score: z.number(),
    layers: z.record(z.string(), z.record(z.string(), z.number())),
  }),
);

describe.skipIf(sharedDir === undefined)("the authors' committed results", async () => {
  if (sharedDir === undefined) return;
  const tree = { store: new LocalStore('/'), prefix: `${fixtures}/real`.replace(/^\//, '') };
  const context = { tree, lenient: false };
  const runs = new Map<string, CollectedRun>();
  for (const candidate of await findRuns(FV, tree)) {
    const sink = memorySink(FV, context);
    runs.set(candidate.runId, { candidate, sink, summary: await FV.read(candidate, sink, context) });
  }
  const text = (file: string) => readFileSync(`${fixtures}/real/${file}`, 'utf8');

  test('are found, and none has an issue', () => {
    expect([...runs.keys()].sort()).toEqual([
      'main/fv/real/antonym_t25_aie_scores',
      'main/fv/real/cie_scores_Q1_Q3_Q5',
      'main/fv/real/super_fv_eval_Q1',
      'main/fv/relationB_ex/super_fv_q1_q5_q8_q9_q11_q13_q16_q17_q18_20260211_113457/meta-llama__Llama-3.1-8B/real',
    ]);
    for (const { sink, summary } of runs.values()) {
      expect(sink.issues).toEqual([]);
      expect(summary).toMatchObject({ accepted: true, columns: { status: 'completed' } });
    }
  });

  test('the column order of older files, and the rank within each query', () => {
    const heads = runs.get('main/fv/real/cie_scores_Q1_Q3_Q5')!.sink.table('fv_heads');
    expect(heads).toHaveLength(3072);
    for (const q of ['Q1', 'Q3']) {
      const [header = '', ...lines] = text(`topk_${q}.csv`).trim().split(/\r?\n/);
      const names = header.split(',');
      const ranked = heads
        .filter((row) => row['q_id'] === q)
        .sort((a, b) => Number(a['rank']) - Number(b['rank']));
      lines.forEach((line, i) => {
        for (const [c, cell] of line.split(',').entries()) {
          const value = ranked[i]?.[names[c]!];
          expect(typeof value === 'number' ? value : String(value)).toBe(
            typeof value === 'number' ? Number(cell) : cell.replace('True', 'true').replace('False', 'false'),
          );
        }
      });
      expect(lines).toHaveLength(20);
    }
  });

  test('single-mode scores', () => {
    const heads = runs.get('main/fv/real/antonym_t25_aie_scores')!.sink.table('fv_heads');
    expect(heads).toHaveLength(1024);
    expect(heads[0]).toMatchObject({
      layer: 13,
      head: 27,
      rank: 1,
      n_trials: 25,
      n_qid: null,
      q_id: null,
      mean_delta_p: 0.040343213081359866,
      any_nonzero: true,
    });
  });

  test('a vector over nine queries: its heads', () => {
    const id = [...runs.keys()].find((runId) => runId.includes('/super_fv_q1'));
    const run = runs.get(id ?? '')!;
    const top = JSON.parse(text('super_fv/super_fv_artifacts/top_heads.json')).heads;
    const ranked = run.sink
      .table('fv_heads')
      .filter((row) => row['selected'] === true)
      .sort((a, b) => Number(a['rank']) - Number(b['rank']));
    expect(ranked.map(({ layer, head, mean_delta_p: score }) => [layer, head, score])).toEqual(
      top.map((head: Record<string, number>) => [head['layer'], head['head'], head['rank_score']]),
    );
    expect(run.summary.columns).toMatchObject({
      benchmark: 'relationB_ex',
      seed: 0,
      created_at: 1770809699233393n,
    });
  });

  test('its injections for one query', () => {
    const { Q1: want } = superSchema.parse(JSON.parse(text('expected_super_fv_Q1.json')));
    const run = runs.get('main/fv/real/super_fv_eval_Q1')!;
    const injections = run.sink.table('fv_injections');
    expect(injections.map((row) => [String(row['layer']), row['q_id']])).toEqual(
      Object.keys(want!.layers).map((layer) => [layer, 'Q1']),
    );
    for (const row of injections) expect(row).toMatchObject(want!.layers[String(row['layer'])] ?? {});
    expect(metric(run, 'best_layer', 'recomputed')).toBe(want!.best_layer);
    close(metric(run, 'best_score', 'recomputed'), want!.best_score, 1e-9);
    expect(run.summary.columns.split).toBe('Q1');
  });
});
