import { z } from 'zod';
import { type RunMetric, runMetric } from '../metrics/run-metric.ts';

/** One number about a run. */
export type MetricRow = RunMetric;

/** Metrics of a run of some scopes and names. */
export const METRICS = {
  query: `query ($id: ID!, $filter: MetricFilter!) {
    run(id: $id) { metrics(filter: $filter, first: 10000) { scope split metric value ciLow ciHigh source } }
  }`,
  schema: z.object({ run: z.object({ metrics: z.array(runMetric) }).nullable() }),
};

export type FoundMetrics = z.infer<typeof METRICS.schema>;
