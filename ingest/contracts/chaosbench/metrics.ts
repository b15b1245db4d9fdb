import { z } from 'zod';
import { finiteNumber } from '../scalars.ts';
import { count } from './scalars.ts';

/** Metrics of one task family: not rounded. */
export const familyMetricsSchema = z.looseObject({
  total: count,
  valid: count,
  correct: count,
  coverage: finiteNumber,
  accuracy_valid: finiteNumber,
});

/** Metrics of one split: not rounded. */
export const splitMetricsSchema = z.looseObject({ total: count, valid: count, accuracy_valid: finiteNumber });

/** `metrics.json` of a run with items; rates of the whole run are rounded to four decimals. */
export const metricsSchema = z.looseObject({
  total: count,
  valid: count,
  invalid: count,
  correct: count,
  coverage: finiteNumber,
  invalid_rate: finiteNumber,
  accuracy_valid: finiteNumber,
  effective_accuracy: finiteNumber,
  balanced_accuracy: finiteNumber,
  mcc: finiteNumber,
  per_family: z.record(z.string(), familyMetricsSchema),
  per_split: z.record(z.string(), splitMetricsSchema),
});

/** `metrics.json` of a run without items. */
export const emptyMetricsSchema = z.looseObject({ total: z.literal(0) });

export type ChaosMetrics = z.infer<typeof metricsSchema>;

/** The key of items without a family or split in `per_family` and `per_split`. */
export const UNKNOWN_GROUP = 'unknown';
