import { z } from 'zod';
import { anyNumber, finiteNumber, isoTime, wholeNumber } from '../scalars.ts';

/** One line of `train_metrics.jsonl`. */
export const trainMetricsSchema = z.looseObject({
  time: isoTime,
  epoch: wholeNumber,
  split: z.string(),
  loss: anyNumber,
  auroc: z.union([finiteNumber, z.nan()], { error: 'expected a number' }).nullish(),
  lr: finiteNumber.nullish(),
  cosine_sim: z.union([finiteNumber, z.nan()], { error: 'expected a number' }).nullish(),
});

export type TrainMetricsRecord = z.infer<typeof trainMetricsSchema>;
