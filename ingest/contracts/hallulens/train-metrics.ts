import { z } from 'zod';
import { finiteNumber, isoTime, wholeNumber } from '../scalars.ts';

/** A loss may diverge: NaN and infinities are values here, not damage. */
const loss = z.union([z.number(), z.nan(), z.literal(Infinity), z.literal(-Infinity), z.bigint()], {
  error: 'expected a number',
});

/** One line of `train_metrics.jsonl`. */
export const trainMetricsSchema = z.looseObject({
  time: isoTime,
  epoch: wholeNumber,
  split: z.string(),
  loss,
  auroc: z.union([finiteNumber, z.nan()], { error: 'expected a number' }).nullish(),
  lr: finiteNumber.nullish(),
  cosine_sim: z.union([finiteNumber, z.nan()], { error: 'expected a number' }).nullish(),
});

export type TrainMetricsRecord = z.infer<typeof trainMetricsSchema>;
