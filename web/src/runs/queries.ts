import { z } from 'zod';
import type { Question } from '../api/use-answer.ts';
import { FACETS, type Facet } from './view.ts';

const run = z.object({
  id: z.string(),
  family: z.string(),
  method: z.string().nullable(),
  modelId: z.string().nullable(),
  benchmark: z.string().nullable(),
  seed: z.union([z.number(), z.string()]).nullable(),
  status: z.string(),
  verdict: z.string().nullable(),
  nPredictions: z.number(),
  nIssues: z.number(),
  ingestedAt: z.string(),
});

export type RunRow = z.infer<typeof run>;

/** A page of runs; `totalCount` comes with the first. */
export const RUNS = {
  query: `query ($filter: RunFilter, $orderBy: [RunOrder!]!, $after: String, $first: Boolean!) {
    runs(filter: $filter, orderBy: $orderBy, first: 200, after: $after) {
      nodes { id family method modelId benchmark seed status verdict nPredictions nIssues ingestedAt }
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

const COLUMN_OF: Readonly<Record<Facet, string>> = {
  family: 'family',
  method: 'method',
  modelId: 'model_id',
  benchmark: 'benchmark',
  status: 'status',
  verdict: 'verdict',
};

const counted = FACETS.map(
  (facet) => `SELECT '${facet}' AS facet, ${COLUMN_OF[facet]} AS value, count(*) AS n FROM runs GROUP BY ALL`,
);

/** The values of every property that runs are filtered by, and how many runs have them. */
export const FACET_VALUES: Question<{ sql: { rows: [Facet, string, number][] } }> = {
  query: `{ sql(query: ${JSON.stringify(`SELECT * FROM (${counted.join(' UNION ALL ')}) WHERE value IS NOT NULL ORDER BY facet, value`)}, maxRows: 2000) { rows } }`,
  schema: z.object({
    sql: z.object({ rows: z.array(z.tuple([z.enum(FACETS), z.string(), z.coerce.number()])) }),
  }),
};
