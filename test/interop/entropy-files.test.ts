import { dirname } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ENTROPY } from '../../ingest/families/entropy/index.ts';
import { type CollectedRun, readRuns } from '../../ingest/testing.ts';
import type { Row } from '../../lake/tables/schema.ts';
import { sharedDir } from '../support/shared.ts';
import {
  type ExpectedControlVariate,
  type ExpectedDiagnostics,
  type ExpectedSweep,
  expectedEntropy,
  expectedSynthetic,
  fixtures,
} from './entropy-expectation.ts';

/** Sums made in another order. */
const ORDER = 1e-9;

function near(found: unknown, expected: number | null | undefined, relative = ORDER): void {
  if (expected === undefined || expected === null) return;
  expect(typeof found).toBe('number');
  const value = Number(found);
  if (value === expected) return;
  expect(Math.abs(value - expected), `${value} for ${expected}`).toBeLessThanOrEqual(
    relative * Math.max(Math.abs(value), Math.abs(expected)) + 1e-14,
  );
}

const numbers = (rows: readonly Row[], column: string): number[] => rows.map((row) => Number(row[column]));
const total = (rows: readonly Row[], column: string): number =>
  numbers(rows, column).reduce((sum, value) => sum + value, 0);

function metric(rows: readonly Row[], scope: string, name: string, source: string): unknown {
  return rows.find((row) => row['scope'] === scope && row['metric'] === name && row['source'] === source)?.[
    'value'
  ];
}

function checkDiagnostics({ sink }: CollectedRun, expected: ExpectedDiagnostics): void {
  const [update] = sink.table('entropy_updates');
  const sequences = sink.table('entropy_sequences');
  const metrics = sink.table('metrics');
  expect(update).toMatchObject({
    shape: 'diagnostics',
    b_e: expected.B_E,
    b_u: expected.B_U,
    g_u: expected.G_U,
    n_sequences: expected.num_sequences,
    n_tokens: expected.num_tokens,
    normalization: 'per_token',
    true_normalization: 'per_token',
    has_sequences: expected.has_per_sequence,
    delta_h_per_lr: expected.delta_h_per_lr,
    used_quad: expected.used_quad,
    runtime_dtype: expected.runtime_dtype,
    entropy_dtype: expected.entropy_dtype,
    total_seconds: expected.timing_total,
    sampling_seconds: expected.sampling_sec,
    vec_norm: expected.vec_norm,
  });
  if (expected.quadratic) {
    const { gdotv, vHvv, eta_star, eta_star_recomputed } = expected.quadratic;
    expect(update).toMatchObject({ gdotv, vhvv: vHvv, eta_star });
    near(metric(metrics, 'overall', 'eta_star', 'recomputed'), eta_star_recomputed);
  }
  const features = sink.table('entropy_features');
  if (expected.per_sequence) {
    const of = expected.per_sequence;
    expect(update).toMatchObject({
      scale: of.scale,
      denominator_correction: expected.has_denominator_correction,
    });
    expect(update?.['h_base_mean'] ?? null).toBe(of.H_base_mean ?? null);
    expect(features.length).toBe(of.n);
    near(update?.['gdotv_sum'], of.sum_gdotv);
    near(update?.['vhvv_sum'], of.sum_vhvv);
    expect(total(features, 'length')).toBe(of.sum_length);
    const gdotv = numbers(features, 'gdotv');
    expect([Math.min(...gdotv), Math.max(...gdotv)]).toEqual([of.min_gdotv, of.max_gdotv]);
    expect(gdotv.indexOf(of.max_gdotv)).toBe(of.argmax_gdotv_index);
    if (of.sum_denom_corr_scaled) near(total(features, 'denom_corr_scaled'), of.sum_denom_corr_scaled);
  } else expect(features).toEqual([]);

  const points = sink.table('entropy_points');
  expect(points.length).toBe(expected.entries.length);
  for (const [i, entry] of expected.entries.entries()) {
    const point = points[i]!;
    const rows = sequences.filter((row) => row['eta'] === entry.eta);
    expect(point).toMatchObject({
      eta: entry.eta,
      normalization: 'per_token',
      delta_h_true: entry.delta_h_true,
      base_entropy: entry.base_entropy,
      ess: entry.ess,
      weights_sum: entry.weights_sum,
      clip_fraction: entry.clip_fraction,
      log_weight_min: entry.logweight_stats.min,
      log_weight_median: entry.logweight_stats.median,
      log_weight_max: entry.logweight_stats.max,
      n_sequences: entry.n,
      n_tokens: entry.sum_token_counts,
    });
    expect(rows.length).toBe(entry.n);
    expect(total(rows, 'token_count')).toBe(entry.sum_token_counts);
    near(total(rows, 'h_base'), entry.sum_h_base);
    near(total(rows, 'h_new'), entry.sum_h_new);
    near(total(rows, 'delta_h'), entry.sum_delta_h_seq);
    near(point['true_sum'], entry.sum_true_contrib);
    const contributions = numbers(rows, 'true_contrib');
    for (const [k, value] of entry.true_contrib_first3.entries()) near(contributions[k], value);
    near(Math.max(...contributions), entry.max_true_contrib);
    expect(contributions.indexOf(Math.max(...contributions))).toBe(entry.max_true_contrib_index);
    near(point['per_token_value'], entry.delta_h_true);
    near(point['per_sequence_value'], entry.per_sequence_normalised_value_WRONG);
    near(point['linear'], entry.linear_aggregate);
    near(point['linear_sum'], entry.linear_sum);
    near(point['linquad'], entry.linquad_aggregate_delta_h_per_lr);
    near(point['linquad_nested'], entry.linquad_aggregate_quadratic_gdotv);
    near(point['linquad_sum'], entry.linquad_sum);
    if (entry.linear_sum !== undefined) near(total(rows, 'linear'), entry.linear_sum);
    if (entry.linquad_sum !== undefined) near(total(rows, 'linquad'), entry.linquad_sum);
  }
}

function checkSweep({ sink }: CollectedRun, expected: ExpectedSweep): void {
  expect(sink.table('entropy_updates')).toMatchObject([
    {
      shape: 'sweep',
      b_e: expected.B_E,
      b_u: expected.B_U,
      g_u: expected.G_U,
      gdotv: expected.gdotv,
      delta_h_per_lr: expected.gdotv,
      vhvv: expected.vHvv,
      eta_star: expected.eta_star,
      n_tokens: expected.num_tokens,
      total_seconds: expected.timing_total,
      normalization: 'per_token',
      true_normalization: 'per_token',
    },
  ]);
  const points = sink.table('entropy_points');
  expect(points).toMatchObject(
    expected.rows.map((row) => ({
      eta: row.eta,
      delta_h_true: row.deltaH_true,
      linear: row.deltaH_approx_linear,
      linquad: row.deltaH_approx_linquad,
    })),
  );
  near(total(points, 'delta_h_true'), expected.sum_deltaH_true);
  near(total(points, 'linear'), expected.sum_deltaH_approx_linear);
  near(total(points, 'linquad'), expected.sum_deltaH_approx_linquad);
  expect(points.every((point) => typeof point['ratio_pred'] === 'number')).toBe(true);
  expect(sink.table('entropy_sequences')).toEqual([]);
}

function checkControlVariate({ sink, summary }: CollectedRun, expected: ExpectedControlVariate): void {
  expect(sink.table('entropy_updates')).toMatchObject([
    {
      shape: 'control_variate',
      n_sequences: expected.n_seqs,
      n_tokens: expected.T_total,
      normalization: expected.normalization,
      scale: expected.scale,
      mean_gdotv: expected.mean_gdotv,
      var_gdotv: expected.var_gdotv_ddof1,
      gdotv_batch: expected.gdotv_batch,
      se_batch: expected.se_batch,
      se_batch_after_cv_joint: expected.se_batch_after_cv_joint,
      cv_features: expected.features,
      total_seconds: expected.timing_total,
    },
  ]);
  const features = sink.table('entropy_features');
  expect(features.length).toBe(expected.csv_rows);
  near(total(features, 'gdotv'), expected.csv_sum_gdotv_i);
  expect(total(features, 'length')).toBe(expected.csv_sum_length);
  expect(features.every((row) => row['extra'] === null)).toBe(true);
  const metrics = sink.table('metrics');
  near(metric(metrics, 'overall', 'gdotv_batch', 'recomputed'), expected.gdotv_batch);
  near(metric(metrics, 'overall', 'var_gdotv', 'recomputed'), expected.var_gdotv_ddof1);
  near(metric(metrics, 'overall', 'se_batch', 'recomputed'), expected.se_batch);
  // The aggregate of the group mixes units; its numbers are reproduced as they are.
  for (const name of ['VR_SE', 'SNR', 'SNR_after']) {
    near(
      metric(metrics, 'overall', name, 'recomputed'),
      Number(metric(metrics, 'overall', name, 'reported')),
    );
  }
  const correlations = metrics.filter((row) => row['metric'] === 'corr');
  expect(correlations.length).toBe(expected.n_features_all);
  const strongest = correlations.reduce((a, b) =>
    Math.abs(Number(b['value'])) > Math.abs(Number(a['value'])) ? b : a,
  );
  expect(strongest['scope']).toBe(`feature:${expected.top_abs_corr}`);
  expect(summary.columns.created_at).not.toBeNull();
}

describe.skipIf(sharedDir === undefined)('entropy runs of the project', () => {
  const expected = sharedDir === undefined ? undefined : expectedEntropy();
  let runs: Map<string, CollectedRun>;
  beforeAll(async () => {
    runs = await readRuns(ENTROPY, `${fixtures}/repo`);
  });
  const run = (path: string): CollectedRun => {
    const found = runs.get(dirname(path));
    if (found === undefined) throw new Error(`no run ${path}`);
    return found;
  };

  test('every run is found once, by the path below the results, and is clean', () => {
    const roots = Object.keys(expected!.files).map(dirname);
    expect([...runs.keys()].sort()).toEqual(roots.sort());
    for (const [root, { candidate, sink, summary }] of runs) {
      expect(candidate.runId).toBe(root.replace('entropy_experiments/results', 'main/entropy'));
      expect([root, summary.accepted, sink.issues]).toEqual([root, true, []]);
    }
  });

  test('every number is reproduced, whatever the shape', () => {
    for (const [path, file] of Object.entries(expected!.files)) {
      const found = run(path);
      if (file.variant === 'diagnostics') checkDiagnostics(found, file);
      else if (file.variant === 'sweep') checkSweep(found, file);
      else checkControlVariate(found, file);
    }
  });

  test('row counts add up', () => {
    const rows = (table: string, shape: string) =>
      [...runs.values()]
        .filter(({ sink }) => sink.table('entropy_updates')[0]?.['shape'] === shape)
        .reduce((sum, { sink }) => sum + sink.table(table).length, 0);
    const { totals } = expected!;
    expect(rows('entropy_points', 'diagnostics')).toBe(totals.diagnostics_entries);
    expect(rows('entropy_sequences', 'diagnostics')).toBe(totals.true_sequence_eta_rows);
    expect(rows('entropy_features', 'diagnostics')).toBe(totals.per_sequence_rows);
    expect(rows('entropy_points', 'sweep')).toBe(totals.sweep_rows);
    expect(rows('entropy_features', 'control_variate')).toBe(totals.cv_csv_rows);
    for (const [shape, n] of Object.entries(totals.by_variant)) {
      expect(rows('entropy_updates', shape)).toBe(n);
    }
  });

  test('plan and configuration are kept; the configuration of a group stands for its runs', () => {
    for (const [root, { plan, has_config }] of Object.entries(expected!.companions)) {
      const { columns } = run(`${root}/results.json`).summary;
      const config = columns.config === null ? {} : JSON.parse(columns.config);
      expect([root, config.plan ?? null]).toEqual([root, plan]);
      const kept = JSON.parse(columns.manifest ?? '{}').runlake;
      expect([root, kept.config_file === 'config.yaml']).toEqual([root, has_config]);
      if (kept.config_file === undefined) continue;
      expect(columns).toMatchObject({
        method: 'jvp',
        model_id: 'qwen2_5_15',
        benchmark: 'gsm8k_r1_template',
        split: 'train',
      });
      expect(config.approx_delta_h.normalize).toBe('per_token');
      expect(config.estimator.eta_list.every((eta: unknown) => typeof eta === 'number')).toBe(true);
    }
    const { manifest } = run(
      'entropy_experiments/results/diagnostics_run/full_data/E_256/run_02/results.json',
    ).summary.columns;
    expect(JSON.parse(manifest!).runlake.config_file).toBe('../run_01/config.yaml');
  });

  test('what real files contradict is measured and never asserted', () => {
    const claims = [...runs.values()].flatMap(({ sink }) =>
      ['entropy_updates', 'entropy_points'].flatMap((table) =>
        sink.table(table).flatMap((row) => JSON.parse(String(row['checks'] ?? '[]'))),
      ),
    );
    const failing = new Set(claims.filter(({ holds }) => !holds).map(({ identity }) => identity));
    expect(claims.filter(({ asserted, holds }) => asserted && !holds)).toEqual([]);
    expect(failing).toEqual(
      new Set([
        'quadratic.gdotv == delta_h_per_lr',
        'sum(linear + quad) == quadratic.gdotv*eta + 0.5*vHvv*eta^2',
        'sum(h_base) == sum(rb_entropy_sum)',
      ]),
    );
  });
});

describe.skipIf(sharedDir === undefined)('valid corner cases', () => {
  let runs: Map<string, CollectedRun>;
  beforeAll(async () => {
    runs = await readRuns(ENTROPY, `${fixtures}/synthetic_valid`);
  });
  const run = (name: string): CollectedRun => runs.get(name)!;

  test('all of them are clean', () => {
    expect([...runs.keys()].sort()).toEqual(Object.keys(expectedEntropy().synthetic_valid).sort());
    for (const [name, { sink, summary }] of runs)
      expect([name, summary.accepted, sink.issues]).toEqual([name, true, []]);
  });

  test.each(['mini_base', 'one_sequence'])('%s has the numbers that are expected', (name) => {
    checkDiagnostics(run(name), expectedSynthetic(name));
  });

  test('NaN and infinities are kept as numbers', () => {
    const { sink } = run('eta_star_infinity');
    expect(sink.table('entropy_updates')[0]).toMatchObject({ eta_star: Infinity, vhvv: 0 });
    expect(metric(sink.table('metrics'), 'overall', 'eta_star', 'reported')).toBe(Infinity);
    expect(metric(sink.table('metrics'), 'overall', 'eta_star', 'recomputed')).toBe(Infinity);
    const ratios = run('ratio_pred_nan').sink.table('entropy_points');
    expect(ratios.map((row) => row['ratio_pred'])).toEqual([Number.NaN, Number.NaN]);
  });

  test('further members are kept', () => {
    const [point] = run('clip_overrides').sink.table('entropy_points');
    const extra = JSON.parse(String(point?.['extra']));
    expect(Object.keys(extra.diagnostics.clip_overrides)).toEqual(['5']);
    expect(extra.diagnostics.clip_overrides['5'].delta_h_true).toBe(point?.['delta_h_true']);
  });

  test('without curvature there is no quadratic term', () => {
    const { sink } = run('no_curvature');
    const [update] = sink.table('entropy_updates');
    expect([update?.['vhvv'], update?.['gdotv'], update?.['used_quad']]).toEqual([
      undefined,
      undefined,
      false,
    ]);
    for (const row of [...sink.table('entropy_points'), ...sink.table('entropy_sequences')]) {
      expect(typeof row['linear']).toBe('number');
      expect(row['linquad'] ?? null).toBeNull();
    }
  });
});
