import { z } from 'zod';

const group = z.object({
  dimensions: z.array(z.object({ dimension: z.string(), value: z.string().nullable() })),
  config: z.array(z.object({ pointer: z.string(), value: z.unknown() })),
  n: z.number(),
  nMissing: z.number(),
  mean: z.number().nullable(),
  sd: z.number().nullable(),
  ciLow: z.number().nullable(),
  ciHigh: z.number().nullable(),
  halfWidth: z.number().nullable(),
  seeds: z.array(z.union([z.number(), z.string()]).nullable()),
});

/** Runs that have something in common, and what a metric is over them. */
export type Group = z.infer<typeof group>;

const ARGUMENTS =
  'query ($metric: String!, $groupBy: [MetricDimension!]!, $groupByConfig: [String!]!, $filter: RunFilter, $source: MetricSource!, $scope: String)';
const GIVEN =
  'metric: $metric, groupBy: $groupBy, groupByConfig: $groupByConfig, filter: $filter, source: $source, scope: $scope';

export const AGGREGATE = {
  query: `${ARGUMENTS} { aggregateMetrics(${GIVEN}) {
    dimensions { dimension value } config { pointer value } n nMissing mean sd ciLow ciHigh halfWidth seeds
  } }`,
  schema: z.object({ aggregateMetrics: z.array(group) }),
};

/** The same groups with the runs behind their numbers. */
export const BEHIND = {
  query: `${ARGUMENTS} { aggregateMetrics(${GIVEN}) {
    dimensions { dimension value } config { pointer value } n nMissing mean sd ciLow ciHigh halfWidth seeds values runIds
  } }`,
  schema: z.object({
    aggregateMetrics: z.array(
      group.extend({ values: z.array(z.number().nullable()), runIds: z.array(z.string()) }),
    ),
  }),
};
export type GroupWithRuns = z.infer<typeof BEHIND.schema>['aggregateMetrics'][number];

/** What can be chosen: parts of the runs that have numbers, and the structures of the configurations of each family. */
export const CHOICES = {
  query: `{
    scopes: sql(query: "SELECT scope, count(DISTINCT run_id) AS n FROM metrics GROUP BY scope ORDER BY n DESC, scope", maxRows: 1000) { rows }
    structures: sql(query: "SELECT json_group_structure(TRY_CAST(config AS JSON)) FROM runs GROUP BY family") { rows }
  }`,
  schema: z.object({
    scopes: z.object({ rows: z.array(z.tuple([z.string(), z.coerce.number()])) }),
    structures: z.object({ rows: z.array(z.tuple([z.unknown()])) }),
  }),
};
