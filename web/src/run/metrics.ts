import { z } from 'zod';

export const metric = z.object({
  scope: z.string(),
  split: z.string().nullable(),
  metric: z.string(),
  value: z.number().nullable(),
  ciLow: z.number().nullable(),
  ciHigh: z.number().nullable(),
  source: z.string(),
});

/** One number about a run. */
export type MetricRow = z.infer<typeof metric>;

/** Metrics of a run of some scopes and names. */
export const METRICS = {
  query: `query ($id: ID!, $filter: MetricFilter!) {
    run(id: $id) { metrics(filter: $filter, first: 10000) { scope split metric value ciLow ciHigh source } }
  }`,
  schema: z.object({ run: z.object({ metrics: z.array(metric) }).nullable() }),
};

export type FoundMetrics = z.infer<typeof METRICS.schema>;
