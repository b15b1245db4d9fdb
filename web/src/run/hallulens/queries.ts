import { z } from 'zod';
import { sqlText } from '../../api/sql.ts';
import type { Question } from '../../api/use-answer.ts';
import type { ScoreGroup } from './scored.ts';

/** Groups of scores that are drawn: more than a plot has pixels. */
export const MOST_GROUPS = 5_000;

/**
 * Scores of a run from the highest down, with how many of each class have them: every plot of scores is made of these,
 * whatever the number of predictions. Where there are more than `MOST_GROUPS` different scores, neighbours fall together.
 */
export function scoreGroups(id: string): { readonly sql: string; readonly most: number } {
  return {
    sql: `WITH scored AS (
  SELECT score_halu AS score, label_halu AS label, dense_rank() OVER (ORDER BY score_halu) AS place
  FROM predictions WHERE run_id = ${sqlText(id)} AND isfinite(score_halu) AND label_halu IS NOT NULL
)
SELECT CASE WHEN min(score) = max(score) THEN min(score) ELSE avg(score) END AS score,
  count(*) FILTER (label) AS positives, count(*) FILTER (NOT label) AS negatives, count(DISTINCT score) AS scores
FROM scored, (SELECT max(place) AS places FROM scored)
GROUP BY CASE WHEN places <= ${MOST_GROUPS} THEN place ELSE place * ${MOST_GROUPS} // (places + 1) END
ORDER BY score DESC`,
    most: MOST_GROUPS,
  };
}

const SQL = 'query ($sql: String!, $most: Int!) { sql(query: $sql, maxRows: $most) { rows truncated } }';

export const SCORES: Question<readonly ScoreGroup[]> = {
  query: SQL,
  schema: z
    .object({
      sql: z.object({
        rows: z.array(z.tuple([z.number(), z.coerce.number(), z.coerce.number(), z.coerce.number()])),
      }),
    })
    .transform(({ sql }) =>
      sql.rows.map(([score, positives, negatives, scores]) => ({ score, positives, negatives, scores })),
    ),
};

const trained = z.object({
  step: z.coerce.number(),
  epoch: z.coerce.number().nullable(),
  split: z.string().nullable(),
  loss: z.number().nullable(),
  auroc: z.number().nullable(),
  lr: z.number().nullable(),
  cosineSim: z.number().nullable(),
  extra: z.unknown(),
});

export type TrainedRow = z.infer<typeof trained>;

/** The training log of a run. */
export const TRAINING = {
  query: `query ($id: String!) {
    trainMetrics(filter: { runId: { eq: $id } }, orderBy: [{ field: STEP }], first: 10000) {
      nodes { step epoch split loss auroc lr cosineSim extra } totalCount
    }
  }`,
  schema: z.object({ trainMetrics: z.object({ nodes: z.array(trained), totalCount: z.number() }) }),
};

export type FoundTraining = z.infer<typeof TRAINING.schema>;

/** Where the activations of a run were captured. */
export interface Captured {
  readonly site: string;
  readonly tokenSelector: string;
  readonly segment: string | null;
  readonly layers: readonly number[];
}

export function capturedPlaces(id: string): { readonly sql: string; readonly most: number } {
  return {
    sql: `SELECT site, token_selector, segment, list(DISTINCT layer ORDER BY layer) FROM activations
WHERE store_id IN (SELECT store_id FROM run_stores WHERE run_id = ${sqlText(id)}) GROUP BY ALL ORDER BY ALL DESC`,
    most: 100,
  };
}

export const CAPTURED: Question<readonly Captured[]> = {
  query: SQL,
  schema: z
    .object({
      sql: z.object({
        rows: z.array(z.tuple([z.string(), z.string(), z.string().nullable(), z.array(z.coerce.number())])),
      }),
    })
    .transform(({ sql }) =>
      sql.rows.map(([site, tokenSelector, segment, layers]) => ({ site, tokenSelector, segment, layers })),
    ),
};

/** Activations of a layer that are drawn at most. */
export const MOST_POINTS = 2_000;

/** The activations of one layer in their first two principal components. */
export const COMPONENTS = {
  query: `query ($id: ID!, $layer: Int!, $site: String!, $selector: String!, $token: ActivationToken, $filter: ActivationFilter) {
    pcaActivations(
      runIds: [$id], layers: [$layer], site: $site, tokenSelector: $selector, token: $token, filter: $filter, k: 2, points: ${MOST_POINTS}
    ) {
      layer n nUndefined components { explainedVarianceRatio } points { exampleId tokenIndex halu scores }
    }
  }`,
  schema: z.object({
    pcaActivations: z.array(
      z.object({
        layer: z.number(),
        n: z.number(),
        nUndefined: z.number(),
        components: z.array(z.object({ explainedVarianceRatio: z.number() })),
        points: z.array(
          z.object({
            exampleId: z.string().nullable(),
            tokenIndex: z.number().nullable(),
            halu: z.boolean().nullable(),
            scores: z.array(z.number()),
          }),
        ),
      }),
    ),
  }),
};

export type FoundComponents = z.infer<typeof COMPONENTS.schema>;
