import type { Diagnostics, SequenceRecord, TrueEntry } from '../../../contracts/entropy/diagnostics.ts';
import { sum } from '../../../stats/index.ts';
import type { Checks } from '../checks.ts';
import { type Normalization, normalizationOfScale, scaleOf } from '../normalization.ts';
import { predict } from '../predictions.ts';
import type { DiagnosticsContent } from './content.ts';
import type { TrueChange } from './true-change.ts';

/*
 * The identities of a diagnostics run with the tolerances within which every known file obeys them. Those that real
 * files contradict, although the experiment's guide claims some of them, are measured as claims only.
 */

const SEQUENCES = '/approx/per_sequence';
const META = '/approx/per_sequence_meta';

/** `B_E == num_sequences == …`, `T_total == …`, and the order of the sequences. */
export function checkBatch(document: Diagnostics, checks: Checks): void {
  const { B_E, approx } = document;
  const { num_sequences: n, per_sequence: records, per_sequence_meta: meta } = approx;
  const size = (pointer: string, name: string, found: number) =>
    checks.equal({ code: 'BATCH_SIZE_MISMATCH', pointer, identity: `${name} == num_sequences` }, found, n);
  size('/B_E', 'B_E', B_E);
  if (meta !== undefined) size(`${META}/B_total`, 'B_total', meta.B_total);
  if (records === undefined) return;
  if (!size(SEQUENCES, 'len(per_sequence)', records.length)) return;
  checks.eachEqual(
    {
      code: 'SEQUENCE_ORDER',
      pointer: SEQUENCES,
      member: '/index',
      identity: 'index == position, each index once',
    },
    n,
    (i) => records[i]!.index,
    (i) => i,
  );
}

/** The tokens of the batch: the true entries count them, the derivatives must agree. */
export function checkTokens(document: Diagnostics, checks: Checks): void {
  const { approx } = document;
  const { num_tokens, per_sequence: records, per_sequence_meta: meta } = approx;
  const counts = document.true.entries[0]?.diagnostics.token_counts ?? records?.map(({ length }) => length);
  if (counts === undefined) return;
  const tokens = sum(counts);
  const total = (pointer: string, name: string, found: number) =>
    checks.equal(
      { code: 'TOKEN_TOTAL_MISMATCH', pointer, identity: `${name} == sum(token_counts)` },
      found,
      tokens,
    );
  total('/approx/num_tokens', 'num_tokens', num_tokens);
  if (meta !== undefined) total(`${META}/T_total`, 'T_total', meta.T_total);
}

/**
 * The normalisation of the derivatives: what their recorded scales tell, else what was configured.
 * @param audited the scale as the audit of the derivatives has it, which a wrong `scale` contradicts
 */
export function checkScale(
  document: Diagnostics,
  audited: number | undefined,
  configured: string | undefined,
  checks: Checks,
): Normalization | undefined {
  const { approx } = document;
  const { num_sequences: n, num_tokens: tokens, per_sequence_meta: meta } = approx;
  const normalization =
    normalizationOfScale(audited, n, tokens, configured) ??
    normalizationOfScale(meta?.scale, n, tokens, configured);
  if (meta === undefined) return normalization ?? known(configured);
  // A normalisation that we do not know has a scale that we do not know.
  if (normalization === undefined && configured !== undefined && known(configured) === undefined)
    return undefined;
  const kind = normalization ?? 'per_token';
  const of = kind === 'per_token' ? '1/T_total' : kind === 'per_sequence' ? '1/B_total' : '1';
  const identity = {
    code: 'SCALE_MISMATCH',
    pointer: `${META}/scale`,
    identity: `scale == ${of} under ${kind}`,
  };
  checks.equal(identity, meta.scale, scaleOf(kind, n, tokens));
  return kind;
}

function known(configured: string | undefined): Normalization | undefined {
  return configured === 'per_token' || configured === 'per_sequence' || configured === 'none'
    ? configured
    : undefined;
}

/** The derivatives of the sequences against their aggregates. */
export function checkDerivatives(document: Diagnostics, checks: Checks): void {
  const { approx } = document;
  const { per_sequence: records, per_sequence_meta: meta, quadratic } = approx;
  if (quadratic !== undefined) {
    // A second, nested estimate in single precision: 1e-5 to 1e-2 away in real files.
    checks.claim('quadratic.gdotv == delta_h_per_lr', quadratic.gdotv, approx.delta_h_per_lr, {
      relative: 2e-6,
    });
  }
  if (records === undefined) return;
  checks.equal(
    {
      code: 'GDOTV_SUM_MISMATCH',
      pointer: '/approx/delta_h_per_lr',
      identity: 'sum(gdotv) == delta_h_per_lr',
    },
    sum(records.map(({ gdotv }) => gdotv)),
    approx.delta_h_per_lr,
    { relative: 2e-6 },
  );
  if (meta !== undefined) {
    checks.eachEqual(
      {
        code: 'GDOTV_COMPONENTS_MISMATCH',
        pointer: SEQUENCES,
        identity: 'gdotv == scale*(wjlogp_sum+jH_sum+denom_corr_unscaled)',
      },
      records.length,
      (i) => records[i]!.gdotv,
      (i) => meta.scale * unscaled(records[i]!),
      { absolute: 1e-4 },
    );
  }
  if (quadratic !== undefined) checkCurvature(records, quadratic, checks);
}

function unscaled({ extras }: SequenceRecord): number {
  return extras.wjlogp_sum + extras.jH_sum + (extras.denom_corr_unscaled ?? 0);
}

function checkCurvature(
  records: readonly SequenceRecord[],
  quadratic: NonNullable<Diagnostics['approx']['quadratic']>,
  checks: Checks,
): void {
  const { per_sequence_vhvv: listed, vHvv } = quadratic;
  const recorded = records.flatMap(({ vhvv }) => (vhvv === undefined ? [] : [vhvv]));
  const complete = recorded.length === records.length;
  const pointer = '/approx/quadratic/per_sequence_vhvv';
  if (recorded.length > 0 && !complete) {
    checks.fail(
      { code: 'VHVV_MISMATCH', pointer: SEQUENCES, identity: 'vhvv for every sequence or for none' },
      `${recorded.length} of ${records.length} have it`,
    );
  }
  if (complete && listed !== undefined) {
    const identity = 'per_sequence[i].vhvv == quadratic.per_sequence_vhvv[i]';
    const vhvv = { code: 'VHVV_MISMATCH', pointer, identity };
    if (listed.length !== records.length) {
      checks.fail(vhvv, `${listed.length} values for ${records.length} sequences`);
    } else {
      checks.eachEqual(
        vhvv,
        records.length,
        (i) => listed[i]!,
        (i) => recorded[i]!,
      );
    }
  }
  const values = complete ? recorded : listed;
  if (values === undefined || values.length === 0) return;
  checks.equal(
    { code: 'VHVV_SUM_MISMATCH', pointer: '/approx/quadratic/vHvv', identity: 'sum(vhvv) == vHvv' },
    sum(values),
    vHvv,
    { relative: 1e-6 },
  );
}

const ARRAYS = [
  'normalized_weights',
  'log_weights',
  'h_base',
  'h_new',
  'delta_h_seq',
  'token_counts',
] as const;

/** Whether the six arrays of an entry have a value a sequence; nothing else can be checked before. */
export function checkLengths(
  { diagnostics }: TrueEntry,
  n: number,
  pointer: string,
  checks: Checks,
): boolean {
  let fit = true;
  for (const name of ARRAYS) {
    const found = diagnostics[name].length;
    const identity = {
      code: 'ARRAY_LENGTH_MISMATCH',
      pointer: `${pointer}/diagnostics/${name}`,
      identity: 'all six diagnostic arrays have B_E entries',
    };
    if (found !== n) checks.fail(identity, `${name} has ${found}, expected ${n}`);
    fit &&= found === n;
  }
  return fit;
}

/** The identities of one learning rate. @returns the normalisation of the true change that its base entropy tells */
export function checkEntry(
  entry: TrueEntry,
  change: TrueChange,
  document: Diagnostics,
  pointer: string,
  checks: Checks,
): Normalization {
  const { diagnostics, delta_h_true } = entry;
  const n = diagnostics.normalized_weights.length;
  const at = (member: string) => `${pointer}/diagnostics/${member}`;
  checks.equal(
    {
      code: 'DELTA_H_TRUE_DISAGREES',
      pointer: at('delta_h_true'),
      identity: 'entry.delta_h_true == diagnostics.delta_h_true',
    },
    diagnostics.delta_h_true,
    delta_h_true,
  );
  checks.equal(
    {
      code: 'WEIGHTS_NOT_NORMALISED',
      pointer: at('normalized_weights'),
      identity: 'sum(normalized_weights) == 1',
    },
    change.weightSum,
    1,
    { absolute: 1e-12 },
  );
  const ess = { code: 'ESS_MISMATCH', pointer: at('ess'), identity: '0 < ess <= n and ess == 1/sum(nw^2)' };
  checks.equal(ess, diagnostics.ess, change.ess, { relative: 1e-12 });
  checks.eachEqual(
    {
      code: 'DELTA_H_SEQ_MISMATCH',
      pointer: at('delta_h_seq'),
      identity: 'delta_h_seq == h_new - h_base',
    },
    n,
    (i) => diagnostics.delta_h_seq[i]!,
    (i) => diagnostics.h_new[i]! - diagnostics.h_base[i]!,
  );
  const { per_sequence: records } = document.approx;
  if (records?.length === n) {
    checks.eachEqual(
      {
        code: 'LENGTH_MISMATCH',
        pointer: SEQUENCES,
        member: '/length',
        identity: 'length[i] == token_counts[i]',
      },
      n,
      (i) => records[i]!.length,
      (i) => diagnostics.token_counts[i]!,
    );
  }
  const normalization = checkBase(entry, change, at('base_entropy'), checks);
  checks.equal(
    {
      code: 'DELTA_H_TRUE_MISMATCH',
      pointer: `${pointer}/delta_h_true`,
      identity: 'sum(true_contrib) == delta_h_true',
    },
    sum(change.contributions(normalization, diagnostics.base_entropy)),
    delta_h_true,
    // Entropies of whole sequences are tens of times larger, and so is their rounding.
    { absolute: 1e-14 * Math.max(1, Math.abs(diagnostics.base_entropy)) },
  );
  return normalization;
}

function checkBase(
  { diagnostics: { base_entropy } }: TrueEntry,
  { basePerToken, basePerSequence }: TrueChange,
  pointer: string,
  checks: Checks,
): Normalization {
  const near = (expected: number) =>
    Math.abs(base_entropy - expected) <= 1e-12 * Math.max(1, Math.abs(expected));
  if (!near(basePerToken) && near(basePerSequence)) {
    const identity = 'base_entropy == mean(h_base) under per_sequence';
    checks.equal({ code: 'BASE_ENTROPY_MISMATCH', pointer, identity }, base_entropy, basePerSequence, {
      relative: 1e-12,
    });
    return 'per_sequence';
  }
  const identity = 'base_entropy == sum(h_base)/sum(token_counts) under per_token';
  const tolerance = { absolute: 1e-12 * Math.max(1, Math.abs(basePerToken)) };
  checks.equal({ code: 'BASE_ENTROPY_MISMATCH', pointer, identity }, base_entropy, basePerToken, tolerance);
  return 'per_token';
}

/** The sums of the predictions of the sequences against the prediction of the batch. */
export function checkPredictions(
  { document, gdotvSum, vhvvSum }: DiagnosticsContent,
  eta: number,
  checks: Checks,
): void {
  const { delta_h_per_lr, quadratic } = document.approx;
  if (gdotvSum === undefined || vhvvSum === undefined || quadratic === undefined) return;
  const { linear, quad = 0, linquad = 0 } = predict({ linear: gdotvSum, quadratic: vhvvSum }, eta);
  const expected = (gdotv: number) => predict({ linear: gdotv, quadratic: quadratic.vHvv }, eta).linquad ?? 0;
  checks.equal(
    {
      code: 'LINQUAD_SUM_MISMATCH',
      pointer: '/approx/delta_h_per_lr',
      identity: 'sum(linear + quad) == delta_h_per_lr*eta + 0.5*vHvv*eta^2',
    },
    linquad,
    expected(delta_h_per_lr),
    // Where the two terms cancel, their sum is no measure of their rounding.
    { relative: 5e-6, of: Math.abs(linear) + Math.abs(quad) },
  );
  checks.claim(
    'sum(linear + quad) == quadratic.gdotv*eta + 0.5*vHvv*eta^2',
    linquad,
    expected(quadratic.gdotv),
    { relative: 5e-6 },
  );
}

/** The base entropy in the derivatives against the one of the true change. */
export function checkBaseMean(
  document: Diagnostics,
  normalization: Normalization | undefined,
  checks: Checks,
): void {
  const mean = document.approx.per_sequence_meta?.H_base_mean;
  const base = document.true.entries[0]?.diagnostics.base_entropy;
  if (mean === undefined || base === undefined || normalization !== 'per_token') return;
  const identity = {
    code: 'H_BASE_MEAN_MISMATCH',
    pointer: `${META}/H_base_mean`,
    identity: 'H_base_mean == base_entropy',
  };
  checks.equal(identity, mean, base, { relative: 1e-8 });
}

/** Claims about the passes that real files contradict: two forward passes of another precision. */
export function claimBaseEntropies(
  entry: TrueEntry,
  records: readonly SequenceRecord[],
  checks: Checks,
): void {
  checks.claim(
    'sum(h_base) == sum(rb_entropy_sum)',
    sum(entry.diagnostics.h_base),
    sum(records.map(({ extras }) => extras.rb_entropy_sum)),
    { relative: 1e-6 },
  );
}
