import { z } from 'zod';

/** A number about a run, as the API gives it. */
export const runMetric = z.object({
  scope: z.string(),
  split: z.string().nullable(),
  metric: z.string(),
  value: z.number().nullable(),
  ciLow: z.number().nullable(),
  ciHigh: z.number().nullable(),
  source: z.string(),
});

export type RunMetric = z.infer<typeof runMetric>;
