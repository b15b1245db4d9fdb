import { z } from 'zod';
import { RUN_IDENTITY, runIdentity } from '../api/run-identity.ts';
import type { Question } from '../api/use-answer.ts';
import { HEADLINES } from '../metrics/headline.ts';
import { runMetric } from '../metrics/run-metric.ts';
import { FACETS, type Facet } from './run-filter.ts';

const run = runIdentity.extend({
  nGenerations: z.number(),
  nPredictions: z.number(),
  nActivations: z.number(),
  nIssues: z.number(),
  complaints: z.number().optional(),
  createdAt: z.string().nullable(),
  ingestedAt: z.string(),
  gitCommit: z.string().nullable(),
  gitDirty: z.boolean().nullable(),
  metrics: z.array(runMetric).optional(),
});

export type RunRow = z.infer<typeof run>;

/** A page of runs; `totalCount` comes with the first. */
export const RUNS = {
  query: `query ($filter: RunFilter, $orderBy: [RunOrder!]!, $size: Int!, $after: String, $first: Boolean!,
      $withMetrics: Boolean!, $metrics: MetricFilter, $withIssues: Boolean!) {
    runs(filter: $filter, orderBy: $orderBy, first: $size, after: $after) {
      nodes {
        ${RUN_IDENTITY} nGenerations nPredictions nActivations nIssues createdAt ingestedAt gitCommit gitDirty
        complaints: issueCount(filter: { severity: { ne: "info" } }) @include(if: $withIssues)
        metrics(first: 100, filter: $metrics) @include(if: $withMetrics) { scope split metric value ciLow ciHigh source }
      }
      pageInfo { hasNextPage endCursor }
      totalCount @include(if: $first)
    }
  }`,
  schema: z.object({
    runs: z.object({
      nodes: z.array(run),
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
      totalCount: z.number().optional(),
    }),
  }),
};

/** The metrics that a table shows: of the whole run, or of a filter of answers where there is no whole (LM_EVAL). */
export function metricFilter(withResult: boolean, names: readonly string[]): Record<string, unknown> {
  return {
    metric: { in: [...new Set([...(withResult ? HEADLINES : []), ...names])] },
    // All that begins with `filter:`, said so that the statistics of files can tell.
    or: [{ scope: { eq: 'overall' } }, { scope: { gte: 'filter:', lt: 'filter;' } }],
  };
}

const COLUMN_OF: Readonly<Record<Facet, string>> = {
  family: 'family',
  method: 'method',
  modelId: 'model_id',
  benchmark: 'benchmark',
  split: 'split',
  status: 'status',
  verdict: 'verdict',
};

const COUNTED = [
  ...FACETS.map(
    (facet) =>
      `SELECT '${facet}' AS facet, ${COLUMN_OF[facet]} AS value, count(*) AS n FROM runs GROUP BY ALL`,
  ),
  `SELECT 'metric', metric, count(DISTINCT run_id) FROM metrics WHERE scope = 'overall' OR starts_with(scope, 'filter:') GROUP BY ALL`,
].join(' UNION ALL ');

const facet = z.enum([...FACETS, 'metric']);
/** A property of runs, one of its values, and how many runs have it. */
export type FacetValue = readonly [z.infer<typeof facet>, string, number];

/** The values of every property that runs are filtered by, the metrics that they have, and how many runs have them. */
export const FACET_VALUES: Question<{ readonly sql: { readonly rows: readonly FacetValue[] } }> = {
  query: `{ sql(query: ${JSON.stringify(`SELECT * FROM (${COUNTED}) WHERE value IS NOT NULL ORDER BY facet, value`)}, maxRows: 5000) { rows } }`,
  schema: z.object({
    sql: z.object({ rows: z.array(z.tuple([facet, z.string(), z.coerce.number()])) }),
  }),
};
