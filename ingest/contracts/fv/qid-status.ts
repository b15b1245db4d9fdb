import { z } from 'zod';
import { isoTime, wholeNumber } from '../scalars.ts';
import { index, measured, modelIndex } from './scalars.ts';

/** States that the orchestrator writes. */
export const QID_STATES = ['pending', 'running', 'completed', 'failed', 'skipped', 'dry_run'] as const;

/** What the orchestrator was asked to do. */
export const qidConfigSchema = z.looseObject({
  model: z.string().nullish(),
  model_spec: z.string().nullish(),
  relation_csv_path: z.string().nullish(),
  n_trials_per_q: index.nullish(),
  n_demos: index.nullish(),
  topk: index.nullish(),
  score_key: z.string().nullish(),
  alpha: measured.nullish(),
  n_eval: index.nullish(),
  seed: wholeNumber.nullish(),
});

/** `qid_status.json`. */
export const qidStatusSchema = z.looseObject({
  q_id: z.string().min(1),
  status: z.enum(QID_STATES),
  created_at: isoTime.nullish(),
  updated_at: isoTime.nullish(),
  config: qidConfigSchema,
  q_row_count: index.nullish(),
  reason: z.string().nullish(),
  expected_layers: z.array(modelIndex).nullish(),
  /** Runlake's jobs may sweep some heads only: those of these numbers in these layers. */
  swept: z.looseObject({ layers: z.array(modelIndex), heads: z.array(modelIndex) }).nullish(),
});

export type QidStatus = z.infer<typeof qidStatusSchema>;
