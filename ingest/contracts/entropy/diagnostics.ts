import { z } from 'zod';
import { anyNumber } from '../scalars.ts';
import { count, finite, learningRate } from './numbers.ts';

/** One record of `approx.per_sequence`; further members of `extras` and `features` are kept as they are. */
const sequenceSchema = z.looseObject({
  index: count,
  gdotv: finite,
  length: count,
  sum_logp: anyNumber,
  mean_logp: anyNumber,
  var_logp: anyNumber,
  max_logp: anyNumber,
  min_logp: anyNumber,
  vhvv: finite.optional(),
  extras: z.looseObject({
    rb_entropy_sum: finite,
    wjlogp_sum: finite,
    jH_sum: finite,
    denom_corr_scaled: finite.optional(),
    denom_corr_unscaled: finite.optional(),
  }),
  features: z.looseObject({}).optional(),
});
export type SequenceRecord = z.infer<typeof sequenceSchema>;

/** Keys are learning rates as Python prints them. */
const ratioPred = z.record(
  z.string().refine((key) => Number(key) > 0, { error: 'expected a learning rate as key' }),
  anyNumber,
);

/** Curvature along the update: `approx.quadratic`, and `curvature` of a sweep. */
export const curvatureSchema = z.looseObject({
  gdotv: finite,
  vHvv: finite,
  eta_star: anyNumber,
  ratio_pred: ratioPred.optional(),
  per_sequence_vhvv: z.array(finite).optional(),
});
export type Curvature = z.infer<typeof curvatureSchema>;

/** One entry of `true.entries`. The six arrays are parallel: a value a sequence. */
const entrySchema = z.looseObject({
  eta: learningRate,
  delta_h_true: finite,
  diagnostics: z.looseObject({
    delta_h_true: finite,
    base_entropy: finite,
    ess: finite,
    logweight_stats: z.looseObject({ min: finite, median: finite, max: finite }),
    clip_fraction: finite,
    weights_sum: finite,
    normalized_weights: z.array(finite),
    log_weights: z.array(finite),
    h_base: z.array(finite),
    h_new: z.array(finite),
    delta_h_seq: z.array(finite),
    token_counts: z.array(count),
  }),
});
export type TrueEntry = z.infer<typeof entrySchema>;

/** `results.json` of a diagnostics run: what tables and identities need. */
export const diagnosticsSchema = z.looseObject({
  B_E: count,
  B_U: count,
  G_U: count,
  approx: z.looseObject({
    delta_h_per_lr: finite,
    num_sequences: count,
    num_tokens: count,
    per_sequence: z.array(sequenceSchema).optional(),
    per_sequence_meta: z
      .looseObject({ B_total: count, T_total: count, scale: finite, H_base_mean: finite.optional() })
      .optional(),
    quadratic: curvatureSchema.optional(),
  }),
  true: z.looseObject({ entries: z.array(entrySchema) }),
});
export type Diagnostics = z.infer<typeof diagnosticsSchema>;

const update = z.looseObject({
  method: z.string(),
  vec_norm: anyNumber,
  num_params: count,
  avg_mb_loss: anyNumber,
  num_microbatches: count,
  amp: z.looseObject({ enabled: z.boolean(), dtype: z.string() }),
});

/** Descriptive members of a diagnostics run: a surprise in them is noted and does not keep the run out. */
export const diagnosticsDetailsSchema = z.looseObject({
  sampling_sec: anyNumber,
  update,
  approx: z.looseObject({
    estimator: z.string(),
    method: z.string(),
    baseline: z.looseObject({ kind: z.string() }),
    audit: z.looseObject({ scale_sum: anyNumber, total_tokens_used: count }),
    variance: z.looseObject({ num_shards: count, se_shard: anyNumber, se_jackknife: anyNumber }),
    duration: anyNumber,
    used_quad: z.boolean(),
    update_seconds: anyNumber,
  }),
  true: z.looseObject({ duration: anyNumber }),
  precision: z.looseObject({ runtime_dtype: z.string(), entropy_dtype: z.string() }),
  timing: z.looseObject({ total: anyNumber }),
});
