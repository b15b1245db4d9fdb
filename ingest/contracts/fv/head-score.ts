import { z } from 'zod';
import { index, measured, measuredMembers, modelIndex } from './scalars.ts';

/** Numbers of a row of `cie_scores.csv`, `aie_scores.csv` and `_resume/aie_scores.resume.jsonl`. */
export const HEAD_SCORES = [
  'mean_delta_p',
  'std_delta_p',
  'mean_abs_delta_p',
  'mean_p_base',
  'std_p_base',
  'mean_p_patch',
  'std_p_patch',
  'mean_p_base_target',
  'mean_p_patch_target',
  'mean_delta_p_target',
  'mean_delta_logit',
  'std_delta_logit',
  'mean_abs_delta_logit',
  'mean_logit_base',
  'mean_logit_patch',
  'mean_delta_logprob',
  'std_delta_logprob',
  'mean_abs_delta_logprob',
  'mean_logprob_base',
  'mean_logprob_patch',
  'mean_act_norm',
  'clean_mean_norm',
] as const;

/** Scores of one attention head. Files of different age have different columns; layer and head identify the row. */
export const headScoreSchema = z.looseObject({
  layer: modelIndex,
  head: modelIndex,
  q_id: z.string().nullish(),
  n_trials: index.nullish(),
  n_qid: index.nullish(),
  any_nonzero: z.union([z.boolean(), measured], { error: 'expected a boolean' }).nullish(),
  ...measuredMembers(HEAD_SCORES),
});
