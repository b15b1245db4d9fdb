import { ENTROPY_POINTS, ENTROPY_UPDATES } from '../../../lake/tables/entropy.ts';
import type { Row } from '../../../lake/tables/schema.ts';
import { METRICS } from '../../../lake/tables/tables.ts';
import type { Curvature } from '../../contracts/entropy/diagnostics.ts';
import { type SweepRow, sweepSchema } from '../../contracts/entropy/sweep.ts';
import type { JsonObject } from '../../contracts/json-value.ts';
import { schemaIssues } from '../../contracts/schema-issues.ts';
import type { RunSink } from '../../family.ts';
import { asNumber } from '../../metric-values.ts';
import { Checks } from './checks.ts';
import { type MemberPaths, memberAt, memberRow, objectsAt } from './members.ts';
import { etaScope, metricRows } from './metrics.ts';
import { auditedScale, configuredTrue, type Normalization, normalizationOfScale } from './normalization.ts';
import { etaStar, predict, ratiosByEta } from './predictions.ts';
import type { ResultFile, ResultReading } from './result-file.ts';

const UPDATE_MEMBERS: MemberPaths = {
  b_e: ['B_E'],
  b_u: ['B_U'],
  g_u: ['G_U'],
  n_sequences: ['curvature', 'num_sequences'],
  n_tokens: ['curvature', 'num_tokens'],
  num_shards: ['curvature', 'variance', 'num_shards'],
  gdotv: ['curvature', 'gdotv'],
  vhvv: ['curvature', 'vHvv'],
  eta_star: ['curvature', 'eta_star'],
  se_gdotv: ['curvature', 'variance', 'se_gdotv'],
  se_vhvv: ['curvature', 'variance', 'se_vHvv'],
  quadratic_method: ['curvature', 'method'],
  baseline: ['curvature', 'baseline', 'kind'],
  runtime_dtype: ['precision', 'runtime_dtype'],
  entropy_dtype: ['precision', 'entropy_dtype'],
  total_seconds: ['timing', 'total'],
  sampling_seconds: ['timing', 'sampling'],
  update_seconds: ['timing', 'update_vector'],
  true_seconds: ['timing', 'true_total'],
  approx_seconds: ['timing', 'h_approx'],
};
/** Members that are rows of the other tables. */
const ELSEWHERE = [['sweep'], ['curvature', 'ratio_pred']];
const POINT_MEMBERS: MemberPaths = {
  eta: ['eta'],
  delta_h_true: ['deltaH_true'],
  linear: ['deltaH_approx_linear'],
  linquad: ['deltaH_approx_linquad'],
};

/** A learning rate whose row obeys its identities. */
interface Point {
  readonly row: SweepRow;
  readonly raw: JsonObject;
  readonly checks: Checks;
}

/** Reads a comparison across learning rates: aggregates only, no sequences. */
export function readSweep(results: ResultFile): ResultReading | undefined {
  const { document: raw, file, source, config } = results;
  const { log } = source;
  const parsed = sweepSchema.safeParse(raw);
  if (!parsed.success) {
    for (const issue of schemaIssues(sweepSchema, raw, { file })) log.add(issue);
    return undefined;
  }
  const { sweep, curvature } = parsed.data;
  const rawRows = objectsAt(raw, ['sweep']);
  const seen = new Set<number>();
  const points = sweep.flatMap((row, i): Point[] => {
    const checks = new Checks(log, file, 'record');
    const pointer = `/sweep/${i}`;
    if (seen.has(row.eta)) {
      const identity = { code: 'DUPLICATE_ETA', pointer: `${pointer}/eta`, identity: 'eta unique in sweep' };
      checks.fail(identity, `${row.eta} has a row already`);
    }
    seen.add(row.eta);
    checkRow(row, curvature, pointer, checks);
    return checks.failed ? [] : [{ row, raw: rawRows[i]!, checks }];
  });
  const batch = memberAt(raw, ['curvature']);
  const count = (name: string) => asNumber(memberAt(raw, ['curvature', name])) ?? Number.NaN;
  const normalization = normalizationOfScale(
    auditedScale(batch),
    count('num_sequences'),
    count('num_tokens'),
    config?.approx_delta_h?.normalize ?? undefined,
  );
  // The rows hold sums only; what they were divided by is known from the configuration.
  const trueNormalization = configuredTrue(config);
  return {
    normalization,
    trueNormalization,
    method: undefined,
    emit: (sink) => emit(sink, results, curvature, points, { normalization, trueNormalization }),
  };
}

function checkRow(row: SweepRow, curvature: Curvature, pointer: string, checks: Checks): void {
  const {
    linear,
    quad = 0,
    linquad = 0,
  } = predict({ linear: curvature.gdotv, quadratic: curvature.vHvv }, row.eta);
  const near = { relative: 1e-12, of: Math.abs(linear) + Math.abs(quad) };
  const at = (member: string, code: string, identity: string) => ({
    code,
    pointer: `${pointer}/${member}`,
    identity,
  });
  const same = at('deltaH_approx', 'SWEEP_LINEAR_MISMATCH', 'deltaH_approx == deltaH_approx_linear');
  checks.equal(same, row.deltaH_approx, row.deltaH_approx_linear);
  const first = at('deltaH_approx_linear', 'SWEEP_LINEAR_MISMATCH', 'deltaH_approx_linear == gdotv*eta');
  checks.equal(first, row.deltaH_approx_linear, linear, near);
  const second = at(
    'deltaH_approx_linquad',
    'SWEEP_LINQUAD_MISMATCH',
    'deltaH_approx_linquad == gdotv*eta + 0.5*vHvv*eta^2',
  );
  checks.equal(second, row.deltaH_approx_linquad, linquad, near);
}

async function emit(
  sink: RunSink,
  { document, file }: ResultFile,
  curvature: Curvature,
  points: readonly Point[],
  normalizations: Pick<ResultReading, 'normalization' | 'trueNormalization'>,
): Promise<void> {
  const { normalization, trueNormalization } = normalizations;
  const update = {
    shape: 'sweep',
    file,
    ...memberRow(ENTROPY_UPDATES, document, UPDATE_MEMBERS, ELSEWHERE),
    normalization,
    true_normalization: trueNormalization,
    has_sequences: false,
    // A sweep has one estimate of g·v and uses it for both.
    delta_h_per_lr: curvature.gdotv,
  };
  await sink.rows(ENTROPY_UPDATES, [update]);
  const ratios = ratiosByEta(curvature);
  await sink.rows(
    ENTROPY_POINTS,
    points.map((point) => pointRow(point, ratios, trueNormalization)),
  );
  const measured = new Set(points.map(({ row }) => row.eta));
  const others = [...ratios].filter(([eta]) => !measured.has(eta));
  await sink.rows(
    ENTROPY_POINTS,
    others.map(([eta, ratio]) => ({ eta, ratio_pred: ratio })),
  );
  await sink.rows(METRICS, [
    ...metricRows('reported', 'overall', {
      gdotv: curvature.gdotv,
      vHvv: curvature.vHvv,
      eta_star: Number(curvature.eta_star),
    }),
    ...metricRows('recomputed', 'overall', { eta_star: etaStar(curvature) }),
    ...points.flatMap(({ row }) =>
      metricRows('reported', etaScope(row.eta), {
        delta_h_true: row.deltaH_true,
        delta_h_linear: row.deltaH_approx_linear,
        delta_h_linquad: row.deltaH_approx_linquad,
        ratio_pred: ratios.get(row.eta),
      }),
    ),
  ]);
}

function pointRow(
  { row, raw, checks }: Point,
  ratios: ReadonlyMap<number, number>,
  normalization: Normalization | undefined,
): Row {
  return {
    // `deltaH_approx` is the linear value once more: that was checked.
    ...memberRow(ENTROPY_POINTS, raw, POINT_MEMBERS, [['deltaH_approx']]),
    normalization,
    linquad_nested: row.deltaH_approx_linquad,
    ratio_pred: ratios.get(row.eta),
    checks: checks.text,
  };
}
