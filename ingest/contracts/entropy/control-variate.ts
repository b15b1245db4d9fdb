import { z } from 'zod';
import { anyNumber } from '../scalars.ts';
import { count, finite } from './numbers.ts';

/** A number a feature. */
const byFeature = z.record(z.string(), anyNumber);

/** `summary` of a control-variate run, and `cv_summary.json`. */
const summarySchema = z.looseObject({
  n_seqs: count,
  normalization: z.string(),
  mean_gdotv: finite,
  var_gdotv: anyNumber,
  corr: byFeature,
  ols_beta: byFeature,
  var_after_cv: byFeature,
  var_after_cv_joint: anyNumber,
  diagnostics: z.looseObject({
    features: z.array(z.string()),
    features_all: z.array(z.string()),
    gdotv_batch: finite,
    var_batch: anyNumber,
    se_batch: anyNumber,
    se_batch_after_cv: byFeature,
    se_batch_after_cv_joint: anyNumber,
    all_features_stats: z.looseObject({
      corr: byFeature,
      var_ratio_single: byFeature,
      se_after_single: byFeature,
    }),
    meta: z.looseObject({ B_total: count, T_total: count, scale: finite }),
  }),
});
export type ControlVariateSummary = z.infer<typeof summarySchema>;

/** `results.json` of a control-variate run. `paths` names files where the run was made; the plots among them vary. */
export const controlVariateSchema = z.looseObject({
  paths: z.record(z.string(), z.string()),
  summary: summarySchema,
});
export type ControlVariate = z.infer<typeof controlVariateSchema>;
