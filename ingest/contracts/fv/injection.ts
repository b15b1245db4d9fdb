import { z } from 'zod';
import { index, measured, measuredMembers, modelIndex } from './scalars.ts';

/** Numbers of `eval_summary.json`. */
export const INJECTION_SCORES = [
  'acc_base',
  'acc_with',
  'delta_acc',
  'mean_logit_base',
  'mean_logit_with',
  'mean_delta_logit',
  'std_delta_logit',
  'mean_logprob_base',
  'mean_logprob_with',
  'mean_delta_logprob',
  'std_delta_logprob',
  'mean_p_base',
  'mean_p_with',
  'mean_delta_p',
  'std_delta_p',
] as const;

export type InjectionScore = (typeof INJECTION_SCORES)[number];

/** `step6/layer_<l>/eval_summary.json`. */
export const injectionSummarySchema = z.looseObject(measuredMembers(INJECTION_SCORES));

/** Numbers of a line of `eval_trials.jsonl`. */
export const INJECTION_TRIAL_METRICS = [
  'accuracy_base',
  'accuracy_with',
  'delta_acc',
  'logit_base',
  'logit_with',
  'delta_logit',
  'logprob_base',
  'logprob_with',
  'delta_logprob',
  'p_base',
  'p_with',
  'delta_p',
] as const;

/** One line of `eval_trials.jsonl`: one zero-shot example with the function vector added at one layer. */
export const injectionTrialSchema = z.looseObject({
  idx: index,
  q_id: z.string().nullish(),
  prompt: z.string(),
  answer: z.string(),
  target_id: index,
  target_token: z.string().nullish(),
  used_id: index.nullish(),
  used_token: z.string().nullish(),
  pred_id_base: index.nullish(),
  pred_id_with: index.nullish(),
  ...measuredMembers(INJECTION_TRIAL_METRICS),
});

/** `step6/layer_<l>/eval_meta.json`. */
export const injectionMetaSchema = z.looseObject({
  model: z.string().nullish(),
  edit_layer: modelIndex.nullish(),
  n_eval: index.nullish(),
  requested_n_eval: index.nullish(),
  alpha: measured.nullish(),
  eval_qids: z.array(z.string()).nullish(),
  heads: z.array(z.looseObject({ layer: modelIndex, head: modelIndex })).nullish(),
  fv: z.looseObject({ norm: measured.nullish() }).nullish(),
  config: z.looseObject({ n_heads: index.nullish() }).nullish(),
});

/** `step6/layer_<l>/step6_results_*.json` around its trials. */
export const injectionResultsSchema = z.looseObject({
  config: z.looseObject({ n_eval: index.nullish() }).nullish(),
  summary: injectionSummarySchema.nullish(),
  metadata: injectionMetaSchema.nullish(),
  results: z.array(z.unknown()).nullish(),
});

/** `step6/step6_all_layers_summary.json`. */
export const layersSummarySchema = z.looseObject({
  score_key: z.string().nullish(),
  expected_layers: z.array(modelIndex).nullish(),
  completed_layers: z.array(modelIndex).nullish(),
  missing_layers: z.array(modelIndex).nullish(),
  best_layer: modelIndex.nullish(),
  best_score: measured.nullish(),
  per_layer: z.record(z.string(), z.looseObject({ score_value: measured.nullish() })).nullish(),
});
