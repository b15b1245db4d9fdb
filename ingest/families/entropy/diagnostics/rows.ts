import {
  ENTROPY_FEATURES,
  ENTROPY_POINTS,
  ENTROPY_SEQUENCES,
  ENTROPY_UPDATES,
} from '../../../../lake/tables/entropy.ts';
import type { Row } from '../../../../lake/tables/schema.ts';
import { METRICS } from '../../../../lake/tables/tables.ts';
import type { TrueEntry } from '../../../contracts/entropy/diagnostics.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import type { RunSink } from '../../../family.ts';
import { sum } from '../../../stats/index.ts';
import { featureRow } from '../features.ts';
import { type MemberPaths, memberRow, objectsAt } from '../members.ts';
import { etaScope, metricRows } from '../metrics.ts';
import { etaStar, predict, ratiosByEta } from '../predictions.ts';
import type { ResultFile } from '../result-file.ts';
import type { DiagnosticsContent, Point } from './content.ts';

const UPDATE_MEMBERS: MemberPaths = {
  b_e: ['B_E'],
  b_u: ['B_U'],
  g_u: ['G_U'],
  n_sequences: ['approx', 'num_sequences'],
  n_tokens: ['approx', 'num_tokens'],
  scale: ['approx', 'per_sequence_meta', 'scale'],
  delta_h_per_lr: ['approx', 'delta_h_per_lr'],
  num_shards: ['approx', 'variance', 'num_shards'],
  se_shard: ['approx', 'variance', 'se_shard'],
  se_jackknife: ['approx', 'variance', 'se_jackknife'],
  gdotv: ['approx', 'quadratic', 'gdotv'],
  vhvv: ['approx', 'quadratic', 'vHvv'],
  eta_star: ['approx', 'quadratic', 'eta_star'],
  se_gdotv: ['approx', 'quadratic', 'variance', 'se_gdotv'],
  se_vhvv: ['approx', 'quadratic', 'variance', 'se_vHvv'],
  used_quad: ['approx', 'used_quad'],
  estimator: ['approx', 'estimator'],
  method: ['approx', 'method'],
  quadratic_method: ['approx', 'quadratic', 'method'],
  baseline: ['approx', 'baseline', 'kind'],
  h_base_mean: ['approx', 'per_sequence_meta', 'H_base_mean'],
  update_method: ['update', 'method'],
  vec_norm: ['update', 'vec_norm'],
  num_params: ['update', 'num_params'],
  avg_mb_loss: ['update', 'avg_mb_loss'],
  num_microbatches: ['update', 'num_microbatches'],
  runtime_dtype: ['precision', 'runtime_dtype'],
  entropy_dtype: ['precision', 'entropy_dtype'],
  total_seconds: ['timing', 'total'],
  sampling_seconds: ['sampling_sec'],
  update_seconds: ['approx', 'update_seconds'],
  true_seconds: ['true', 'duration'],
  approx_seconds: ['approx', 'duration'],
};
/** Members that are rows of the other tables. */
const ELSEWHERE = [
  ['approx', 'per_sequence'],
  ['approx', 'quadratic', 'per_sequence_vhvv'],
  ['approx', 'quadratic', 'ratio_pred'],
  ['true', 'entries'],
];
const POINT_MEMBERS: MemberPaths = {
  eta: ['eta'],
  delta_h_true: ['delta_h_true'],
  base_entropy: ['diagnostics', 'base_entropy'],
  ess: ['diagnostics', 'ess'],
  weights_sum: ['diagnostics', 'weights_sum'],
  clip_fraction: ['diagnostics', 'clip_fraction'],
  log_weight_min: ['diagnostics', 'logweight_stats', 'min'],
  log_weight_median: ['diagnostics', 'logweight_stats', 'median'],
  log_weight_max: ['diagnostics', 'logweight_stats', 'max'],
};
const ARRAYS_ELSEWHERE = [
  'delta_h_true',
  'normalized_weights',
  'log_weights',
  'h_base',
  'h_new',
  'delta_h_seq',
  'token_counts',
].map((name) => ['diagnostics', name]);

/** Puts a diagnostics run into its tables, the sequences one learning rate at a time. */
export async function emitDiagnostics(
  sink: RunSink,
  results: ResultFile,
  content: DiagnosticsContent,
  points: readonly Point[],
): Promise<void> {
  await sink.rows(ENTROPY_UPDATES, [updateRow(results, content, points)]);
  const features = featureRows(results.document, content);
  if (features.length > 0) await sink.rows(ENTROPY_FEATURES, features);
  const metrics = batchMetrics(content);
  const ratios = ratiosByEta(content.document.approx.quadratic);
  for (const point of points) {
    const ratio = ratios.get(point.entry.eta);
    ratios.delete(point.entry.eta);
    const contributions = point.change.contributions(
      point.normalization,
      point.entry.diagnostics.base_entropy,
    );
    const row = pointRow(point, content, sum(contributions), ratio);
    await sink.rows(ENTROPY_POINTS, [row]);
    await sink.rows(ENTROPY_SEQUENCES, sequenceRows(point.entry, contributions, content));
    metrics.push(...pointMetrics(point, row));
  }
  // Ratios may have been asked for where the true change was not.
  await sink.rows(
    ENTROPY_POINTS,
    [...ratios].map(([eta, ratio]) => ({ eta, ...predictionColumns(content, eta), ratio_pred: ratio })),
  );
  await sink.rows(METRICS, metrics);
}

function updateRow(
  { document, file }: ResultFile,
  content: DiagnosticsContent,
  points: readonly Point[],
): Row {
  const { approx } = content.document;
  return {
    shape: 'diagnostics',
    file,
    ...memberRow(ENTROPY_UPDATES, document, UPDATE_MEMBERS, ELSEWHERE),
    normalization: content.normalization,
    true_normalization: points[0]?.normalization,
    has_sequences: content.gdotv !== undefined,
    denominator_correction: approx.per_sequence?.some(
      ({ extras }) => extras.denom_corr_unscaled !== undefined,
    ),
    gdotv_sum: content.gdotvSum,
    vhvv_sum: content.vhvvSum,
    checks: content.checks.text,
  };
}

function featureRows(document: JsonObject, { vhvv }: DiagnosticsContent): Row[] {
  const records = objectsAt(document, ['approx', 'per_sequence']);
  if (records.length === 0) return (vhvv ?? []).map((value, sequence) => ({ sequence, vhvv: value }));
  return records.map((record, i) => ({ vhvv: vhvv?.[i], ...featureRow(record) }));
}

/** What the derivatives of the batch and of its sequences predict at a learning rate. */
function predictionColumns({ document, gdotvSum, vhvvSum }: DiagnosticsContent, eta: number): Row {
  const { delta_h_per_lr, quadratic } = document.approx;
  const aggregate = predict({ linear: delta_h_per_lr, quadratic: quadratic?.vHvv }, eta);
  const sums = gdotvSum === undefined ? undefined : predict({ linear: gdotvSum, quadratic: vhvvSum }, eta);
  return {
    linear: aggregate.linear,
    linquad: aggregate.linquad,
    linquad_nested: quadratic && predict({ linear: quadratic.gdotv, quadratic: quadratic.vHvv }, eta).linquad,
    linear_sum: sums?.linear,
    linquad_sum: sums?.linquad,
  };
}

function pointRow(
  point: Point,
  content: DiagnosticsContent,
  trueSum: number,
  ratio: number | undefined,
): Row {
  const { entry, raw, change, normalization, checks } = point;
  return {
    ...memberRow(ENTROPY_POINTS, raw, POINT_MEMBERS, ARRAYS_ELSEWHERE),
    ...predictionColumns(content, entry.eta),
    normalization,
    true_sum: trueSum,
    per_token_value: change.perToken,
    per_sequence_value: change.perSequence,
    ratio_pred: ratio,
    n_sequences: entry.diagnostics.token_counts.length,
    n_tokens: change.tokens,
    checks: checks.text,
  };
}

function sequenceRows(
  { eta, diagnostics }: TrueEntry,
  contributions: Float64Array,
  content: DiagnosticsContent,
): Row[] {
  const { gdotv, vhvv } = content;
  return Array.from(contributions, (true_contrib, i) => {
    const term = gdotv?.[i];
    const predicted = term === undefined ? undefined : predict({ linear: term, quadratic: vhvv?.[i] }, eta);
    return {
      eta,
      sequence: i,
      token_count: diagnostics.token_counts[i],
      weight: diagnostics.normalized_weights[i],
      log_weight: diagnostics.log_weights[i],
      h_base: diagnostics.h_base[i],
      h_new: diagnostics.h_new[i],
      delta_h: diagnostics.delta_h_seq[i],
      true_contrib,
      linear: predicted?.linear,
      quad: predicted?.quad,
      linquad: predicted?.linquad,
    };
  });
}

function batchMetrics({ document, gdotvSum, vhvvSum }: DiagnosticsContent): Row[] {
  const { delta_h_per_lr, quadratic } = document.approx;
  return [
    ...metricRows('reported', 'overall', {
      delta_h_per_lr,
      gdotv: quadratic?.gdotv,
      vHvv: quadratic?.vHvv,
      eta_star: quadratic && Number(quadratic.eta_star),
    }),
    ...metricRows('recomputed', 'overall', {
      delta_h_per_lr: gdotvSum,
      vHvv: vhvvSum,
      eta_star: quadratic && etaStar(quadratic),
    }),
  ];
}

function pointMetrics({ entry, change, normalization }: Point, row: Row): Row[] {
  const { eta, delta_h_true, diagnostics } = entry;
  const { base_entropy, ess, weights_sum, clip_fraction } = diagnostics;
  const number = (name: string) => (typeof row[name] === 'number' ? row[name] : undefined);
  const scope = etaScope(eta);
  return [
    ...metricRows('reported', scope, {
      delta_h_true,
      base_entropy,
      ess,
      weights_sum,
      clip_fraction,
      ratio_pred: number('ratio_pred'),
    }),
    ...metricRows('recomputed', scope, {
      delta_h_true: number('true_sum'),
      base_entropy: normalization === 'per_sequence' ? change.basePerSequence : change.basePerToken,
      ess: change.ess,
      delta_h_linear: number('linear'),
      delta_h_linquad: number('linquad'),
    }),
  ];
}
