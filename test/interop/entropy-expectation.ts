import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { sharedDir } from '../support/shared.ts';

export const fixtures = `${sharedDir ?? ''}fixtures/entropy`;

const number = z.number();

const entrySchema = z.object({
  eta: number,
  delta_h_true: number,
  base_entropy: number,
  ess: number,
  ess_recomputed: number,
  weights_sum: number,
  clip_fraction: number,
  logweight_stats: z.object({ min: number, median: number, max: number }),
  n: number,
  sum_token_counts: number,
  sum_h_base: number,
  sum_h_new: number,
  sum_delta_h_seq: number,
  sum_true_contrib: number,
  true_contrib_first3: z.array(number),
  max_true_contrib: number,
  max_true_contrib_index: number,
  per_sequence_normalised_value_WRONG: number,
  linear_aggregate: number,
  linear_sum: number.optional(),
  linquad_aggregate_quadratic_gdotv: number.optional(),
  linquad_aggregate_delta_h_per_lr: number.optional(),
  linquad_sum: number.optional(),
  rel_linquad_sum_vs_quadratic_gdotv_aggregate: number.optional(),
});
export type ExpectedEntry = z.infer<typeof entrySchema>;

const diagnosticsSchema = z.object({
  variant: z.literal('diagnostics'),
  sha256: z.string(),
  B_E: number,
  B_U: number,
  G_U: number,
  has_per_sequence: z.boolean(),
  has_denominator_correction: z.boolean(),
  num_sequences: number,
  num_tokens: number,
  delta_h_per_lr: number,
  eta_star: number.nullish(),
  used_quad: z.boolean(),
  runtime_dtype: z.string(),
  entropy_dtype: z.string(),
  timing_total: number,
  sampling_sec: number,
  vec_norm: number,
  quadratic: z
    .object({
      gdotv: number,
      vHvv: number,
      eta_star: number,
      eta_star_recomputed: number,
      n_ratio_pred: number,
    })
    .nullish(),
  per_sequence: z
    .object({
      n: number,
      T_total: number,
      scale: number,
      H_base_mean: number.nullish(),
      sum_gdotv: number,
      sum_length: number,
      sum_vhvv: number,
      min_gdotv: number,
      max_gdotv: number,
      argmax_gdotv_index: number,
      sum_denom_corr_scaled: number.nullish(),
    })
    .nullish(),
  entries: z.array(entrySchema),
});
export type ExpectedDiagnostics = z.infer<typeof diagnosticsSchema>;

const sweepSchema = z.object({
  variant: z.literal('sweep'),
  sha256: z.string(),
  B_E: number,
  B_U: number,
  G_U: number,
  n_sweep: number,
  gdotv: number,
  vHvv: number,
  eta_star: number,
  num_tokens: number,
  timing_total: number,
  sum_deltaH_true: number,
  sum_deltaH_approx_linear: number,
  sum_deltaH_approx_linquad: number,
  rows: z.array(
    z.object({
      eta: number,
      deltaH_true: number,
      deltaH_approx_linear: number,
      deltaH_approx_linquad: number,
    }),
  ),
});
export type ExpectedSweep = z.infer<typeof sweepSchema>;

const controlVariateSchema = z.object({
  variant: z.literal('control_variate'),
  sha256: z.string(),
  n_seqs: number,
  normalization: z.string(),
  mean_gdotv: number,
  var_gdotv_ddof1: number,
  gdotv_batch: number,
  se_batch: number,
  se_batch_after_cv_joint: number,
  T_total: number,
  scale: number,
  features: z.array(z.string()),
  n_features_all: number,
  top_abs_corr: z.string(),
  timing_total: number,
  csv_rows: number,
  csv_sum_gdotv_i: number,
  csv_sum_length: number,
});
export type ExpectedControlVariate = z.infer<typeof controlVariateSchema>;

const expectedSchema = z.object({
  files: z.record(
    z.string(),
    z.discriminatedUnion('variant', [diagnosticsSchema, sweepSchema, controlVariateSchema]),
  ),
  companions: z.record(
    z.string(),
    z.object({ plan: z.record(z.string(), z.unknown()).nullable(), has_config: z.boolean() }),
  ),
  totals: z.object({
    files: number,
    by_variant: z.record(z.string(), number),
    diagnostics_entries: number,
    per_sequence_rows: number,
    true_sequence_eta_rows: number,
    sweep_rows: number,
    cv_csv_rows: number,
  }),
  synthetic_valid: z.record(z.string(), z.looseObject({})),
});

/** What another implementation found in the fixtures, by path of the result file below `repo`. */
export function expectedEntropy() {
  return expectedSchema.parse(JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8')));
}

/** The same for one synthetic run that is described in full. */
export function expectedSynthetic(name: string): ExpectedDiagnostics {
  return diagnosticsSchema.parse(expectedEntropy().synthetic_valid[name]);
}
