import { z } from 'zod';
import { index, measuredMembers, modelIndex } from './scalars.ts';

/** Numbers of a line of `trial_metrics.jsonl`. */
export const TRIAL_METRICS = [
  'p_base',
  'p_patch',
  'delta_p',
  'p_base_target',
  'p_patch_target',
  'delta_p_target',
  'logit_base',
  'logit_patch',
  'delta_logit',
  'logprob_base',
  'logprob_patch',
  'delta_logprob',
] as const;

/** One line of `trial_metrics.jsonl`: one trial with one head patched. */
export const trialMetricSchema = z.looseObject({
  trial_idx: index,
  layer: modelIndex,
  head: modelIndex,
  q_id: z.string().nullish(),
  target_id: index.nullish(),
  target_token: z.string().nullish(),
  slot_idx: index.nullish(),
  seq_token_idx: index.nullish(),
  ...measuredMembers(TRIAL_METRICS),
});
