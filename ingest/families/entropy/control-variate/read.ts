import { ENTROPY_FEATURES, ENTROPY_UPDATES } from '../../../../lake/tables/entropy.ts';
import type { Row } from '../../../../lake/tables/schema.ts';
import { METRICS } from '../../../../lake/tables/tables.ts';
import {
  type ControlVariateSummary,
  controlVariateSchema,
} from '../../../contracts/entropy/control-variate.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import type { RunSink } from '../../../family.ts';
import { agrees, asNumber } from '../../../metric-values.ts';
import { standardDeviation, sum } from '../../../stats/index.ts';
import { Checks } from '../checks.ts';
import type { RunSource } from '../companions.ts';
import { type MemberPaths, memberRow } from '../members.ts';
import { metricRows } from '../metrics.ts';
import { type Normalization, normalizationOfScale, scaleOf } from '../normalization.ts';
import type { ResultFile, ResultReading } from '../result-file.ts';
import { type ControlVariateFiles, readControlVariateFiles } from './companions.ts';
import type { SequenceTable } from './sequence-table.ts';

const DIAGNOSTICS = ['summary', 'diagnostics'];
const UPDATE_MEMBERS: MemberPaths = {
  n_sequences: ['summary', 'n_seqs'],
  n_tokens: [...DIAGNOSTICS, 'meta', 'T_total'],
  scale: [...DIAGNOSTICS, 'meta', 'scale'],
  baseline: [...DIAGNOSTICS, 'meta', 'baseline_kind'],
  mean_gdotv: ['summary', 'mean_gdotv'],
  var_gdotv: ['summary', 'var_gdotv'],
  gdotv_batch: [...DIAGNOSTICS, 'gdotv_batch'],
  var_batch: [...DIAGNOSTICS, 'var_batch'],
  se_batch: [...DIAGNOSTICS, 'se_batch'],
  se_batch_after_cv_joint: [...DIAGNOSTICS, 'se_batch_after_cv_joint'],
  var_after_cv_joint: ['summary', 'var_after_cv_joint'],
  cv_features: [...DIAGNOSTICS, 'features'],
  ridge: [...DIAGNOSTICS, 'ridge'],
  crossfit_folds: [...DIAGNOSTICS, 'crossfit_folds'],
  update_method: ['v_stats', 'method'],
  vec_norm: ['v_stats', 'vec_norm'],
  num_params: ['v_stats', 'num_params'],
  avg_mb_loss: ['v_stats', 'avg_mb_loss'],
  num_microbatches: ['v_stats', 'num_microbatches'],
  total_seconds: ['timing_sec', 'total'],
  sampling_seconds: ['timing_sec', 'sampling'],
  update_seconds: ['timing_sec', 'update_vector'],
  approx_seconds: ['timing_sec', 'cv_analysis'],
};
/** Numbers a feature are metrics of the scope `feature:<name>`. */
const ELSEWHERE = [
  ['summary', 'corr'],
  ['summary', 'ols_beta'],
  ['summary', 'var_after_cv'],
  [...DIAGNOSTICS, 'se_batch_after_cv'],
  ...['corr', 'var_ratio_single', 'se_after_single'].map((name) => [
    ...DIAGNOSTICS,
    'all_features_stats',
    name,
  ]),
];

/** Rounding of sums that the artifact made in another order. */
const ROUNDING = { relative: 1e-9 };

/** Reads a control-variate run: how features explain the linear terms of the sequences. */
export async function readControlVariate(results: ResultFile): Promise<ResultReading | undefined> {
  const { document: raw, file, source, run } = results;
  const { log } = source;
  const parsed = controlVariateSchema.safeParse(raw);
  if (!parsed.success) {
    for (const issue of schemaIssues(controlVariateSchema, raw, { file })) log.add(issue);
    return undefined;
  }
  const { summary } = parsed.data;
  const checks = new Checks(log, file, 'run');
  checkSummary(summary, checks);
  const normalization = checkScale(summary, checks);
  const files = await readControlVariateFiles(source, { document: raw, parsed: parsed.data, run });
  const { sequences, timestamp, aggregate, group } = files;
  if (sequences !== undefined) checkTable(summary, sequences, new Checks(log, sequences.file, 'run'));
  if (aggregate !== undefined) compareAggregate(aggregate, summary, source);
  return {
    normalization,
    trueNormalization: undefined,
    method: undefined,
    createdAt: timestamp,
    manifest: { ...(aggregate && { aggregate }), ...(group && { group }) },
    emit: (sink) => emit(sink, results, summary, files, { normalization, checks }),
  };
}

/** The aggregate of the group repeats numbers of the run. */
function compareAggregate(row: JsonObject, summary: ControlVariateSummary, { log }: RunSource): void {
  const { gdotv_batch, se_batch, se_batch_after_cv_joint, meta } = summary.diagnostics;
  const expected: Readonly<Record<string, number>> = {
    gdotv_batch,
    se_batch: Number(se_batch),
    se_batch_after: Number(se_batch_after_cv_joint),
    B_total: meta.B_total,
    T_total: meta.T_total,
    ...signalToNoise(summary),
  };
  for (const [name, value] of Object.entries(expected)) {
    const found = asNumber(row[name]);
    if (found === undefined || agrees(found, value)) continue;
    const message = `${name} is ${found} in the row of the run; its results give ${value}`;
    log.warn({ code: 'COMPANION_DISAGREES', file: '../cv_runs_aggregate', pointer: `/${name}`, message });
  }
}

const SUMMARY = '/summary';
const META = '/summary/diagnostics/meta';

function checkSummary(summary: ControlVariateSummary, checks: Checks): void {
  const { n_seqs: n, mean_gdotv, var_gdotv, diagnostics } = summary;
  const { gdotv_batch, var_batch, se_batch, meta } = diagnostics;
  const counts = { code: 'CV_COUNT_MISMATCH', pointer: `${SUMMARY}/n_seqs` };
  checks.equal({ ...counts, identity: 'B_total == n_seqs' }, meta.B_total, n);
  checks.equal(
    { ...counts, identity: 'gdotv_batch == n_seqs*mean_gdotv' },
    gdotv_batch,
    n * mean_gdotv,
    ROUNDING,
  );
  const at = (member: string, identity: string) => ({
    code: 'CV_VARIANCE_MISMATCH',
    pointer: `${SUMMARY}/diagnostics/${member}`,
    identity,
  });
  checks.equal(
    at('var_batch', 'var_batch == var_gdotv/n_seqs'),
    Number(var_batch),
    Number(var_gdotv) / n,
    ROUNDING,
  );
  checks.equal(
    at('se_batch', 'se_batch == sqrt(var_batch)'),
    Number(se_batch),
    Math.sqrt(Number(var_batch)),
    ROUNDING,
  );
}

function checkScale({ normalization, diagnostics: { meta } }: ControlVariateSummary, checks: Checks) {
  const { scale, B_total, T_total } = meta;
  const kind = normalizationOfScale(scale, B_total, T_total, normalization);
  const identity = {
    code: 'SCALE_MISMATCH',
    pointer: `${META}/scale`,
    identity: `scale == 1/T_total under per_token, 1/B_total under per_sequence, 1 under none`,
  };
  if (kind === undefined) checks.fail(identity, `found ${scale}`);
  else checks.equal(identity, scale, scaleOf(kind, B_total, T_total));
  if (kind !== undefined && kind !== normalization) {
    const stated = { ...identity, pointer: `${SUMMARY}/normalization` };
    checks.fail(stated, `the scale is that of ${kind}, the summary says ${normalization}`);
  }
  return kind;
}

function checkTable(summary: ControlVariateSummary, table: SequenceTable, checks: Checks): void {
  const { n_seqs, mean_gdotv, var_gdotv, diagnostics } = summary;
  const { meta, gdotv_batch } = diagnostics;
  const gdotv = table.column('gdotv');
  const code = 'CV_TABLE_MISMATCH';
  if (
    !checks.equal(
      { code, pointer: '/gdotv_i', identity: 'rows of cv_per_seq.csv == n_seqs' },
      table.rows,
      n_seqs,
    )
  )
    return;
  const equal = (identity: string, found: number, expected: number) =>
    checks.equal({ code, pointer: '/gdotv_i', identity }, found, expected, ROUNDING);
  equal('sum(gdotv_i) == gdotv_batch', sum(gdotv), gdotv_batch);
  equal('mean(gdotv_i) == mean_gdotv', sum(gdotv) / table.rows, mean_gdotv);
  equal('var(gdotv_i, ddof=1) == var_gdotv', standardDeviation(gdotv) ** 2, Number(var_gdotv));
  checks.equal(
    { code, pointer: '/length', identity: 'sum(length) == T_total' },
    sum(table.column('length')),
    meta.T_total,
  );
  const [weighted, entropy] = [table.column('wjlogp_sum'), table.column('jh_sum')];
  checks.eachEqual(
    {
      code: 'GDOTV_COMPONENTS_MISMATCH',
      pointer: '/gdotv_i',
      identity: 'gdotv_i == scale*(wjlogp_sum+jH_sum)',
    },
    table.rows,
    (i) => gdotv[i]!,
    (i) => meta.scale * (weighted[i]! + entropy[i]!),
    { absolute: 1e-4 },
  );
}

async function emit(
  sink: RunSink,
  { document, file }: ResultFile,
  summary: ControlVariateSummary,
  { sequences: table, aggregate }: ControlVariateFiles,
  { normalization, checks }: { normalization: Normalization | undefined; checks: Checks },
): Promise<void> {
  const update = {
    shape: 'control_variate',
    file,
    ...memberRow(ENTROPY_UPDATES, document, UPDATE_MEMBERS, ELSEWHERE),
    normalization,
    has_sequences: table !== undefined,
    gdotv_sum: table === undefined ? undefined : sum(table.column('gdotv')),
    checks: checks.text,
  };
  await sink.rows(ENTROPY_UPDATES, [update]);
  if (table !== undefined) await sink.rows(ENTROPY_FEATURES, table.featureRows());
  await sink.rows(METRICS, [...batchMetrics(summary, table, aggregate), ...featureMetrics(summary)]);
}

function batchMetrics(
  summary: ControlVariateSummary,
  table: SequenceTable | undefined,
  aggregate: JsonObject | undefined,
): Row[] {
  const { mean_gdotv, var_gdotv, var_after_cv_joint, diagnostics } = summary;
  const { gdotv_batch, var_batch, se_batch, se_batch_after_cv_joint } = diagnostics;
  const gdotv = table?.column('gdotv');
  const spread = gdotv && standardDeviation(gdotv);
  return [
    ...metricRows('reported', 'overall', {
      mean_gdotv,
      var_gdotv,
      gdotv_batch,
      var_batch,
      se_batch,
      se_batch_after_cv_joint,
      var_after_cv_joint,
      ...Object.fromEntries(RATIOS.map((name) => [name, asNumber(aggregate?.[name])])),
    }),
    ...metricRows('recomputed', 'overall', {
      mean_gdotv: gdotv && sum(gdotv) / gdotv.length,
      var_gdotv: spread && spread ** 2,
      gdotv_batch: gdotv && sum(gdotv),
      se_batch: spread && spread / Math.sqrt(gdotv.length),
      ...signalToNoise(summary),
    }),
  ];
}

const RATIOS = ['VR_SE', 'SNR', 'SNR_after'];

/**
 * Ratios as the aggregate of a group of runs has them. The numerator of SNR is a sum over sequences and its denominator
 * the standard error of their mean, so that SNR is as many times too large as there are sequences; it is
 * reproduced, not mended.
 */
function signalToNoise({ diagnostics }: ControlVariateSummary): Readonly<Record<string, number>> {
  const { gdotv_batch, se_batch, se_batch_after_cv_joint } = diagnostics;
  const [before, after] = [Number(se_batch), Number(se_batch_after_cv_joint)];
  return {
    VR_SE: after / before,
    SNR: Math.abs(gdotv_batch) / before,
    SNR_after: Math.abs(gdotv_batch) / after,
  };
}

function featureMetrics({ corr, ols_beta, var_after_cv, diagnostics }: ControlVariateSummary): Row[] {
  const { all_features_stats: all, se_batch_after_cv, features, features_all } = diagnostics;
  return [...new Set([...features_all, ...features])].flatMap((feature) =>
    metricRows('reported', `feature:${feature}`, {
      corr: all.corr[feature] ?? corr[feature],
      var_ratio_single: all.var_ratio_single[feature],
      se_after_single: all.se_after_single[feature],
      ols_beta: ols_beta[feature],
      var_after_cv: var_after_cv[feature],
      se_batch_after_cv: se_batch_after_cv[feature],
    }),
  );
}
