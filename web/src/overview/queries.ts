import { z } from 'zod';
import { RUN_IDENTITY, runIdentity } from '../api/run-identity.ts';

export type NewestRun = z.infer<typeof runIdentity>;

const detected = runIdentity.extend({
  metrics: z.array(
    z.object({
      value: z.number().nullable(),
      ciLow: z.number().nullable(),
      ciHigh: z.number().nullable(),
      source: z.string(),
    }),
  ),
});

/** A run and how well it tells made-up answers from right ones. */
export type DetectedRun = z.infer<typeof detected>;

const rows = z.array(z.object({ layer: z.number() }));
const vector = runIdentity.extend({ fvHeads: rows, fvInjections: rows });

/** A run of function vectors; `fvHeads` and `fvInjections` are empty where it has none. */
export type VectorRun = z.infer<typeof vector>;

const newestOf = (family: string, first: number, more = '') => `${family}: runs(
  filter: { family: { eq: "${family}" } }, orderBy: [{ field: INGESTED_AT, direction: DESC }], first: ${first}
) { nodes { ${RUN_IDENTITY} ${more} } }`;

const nodes = <T extends z.ZodType>(node: T) => z.object({ nodes: z.array(node) });

/** How much there is, and the newest runs of every family, the newest first. */
export const OVERVIEW = {
  query: `{
    lake { tables { name rows } }
    withIssues: runs(filter: { nIssues: { gt: 0 } }, first: 0) { totalCount }
    ${newestOf('HALLULENS', 200, 'metrics(filter: { metric: { eq: "auroc" }, scope: { eq: "overall" } }, first: 4) { value ciLow ciHigh source }')}
    ${newestOf('FV', 20, 'fvHeads(first: 1) { layer } fvInjections(first: 1) { layer }')}
    ${newestOf('CHAOSBENCH', 20)}
    ${newestOf('ENTROPY', 20, 'entropyPoints(first: 3) { eta }')}
  }`,
  schema: z.object({
    lake: z.object({ tables: z.array(z.object({ name: z.string(), rows: z.coerce.number() })) }),
    withIssues: z.object({ totalCount: z.number() }),
    HALLULENS: nodes(detected),
    FV: nodes(vector),
    CHAOSBENCH: nodes(runIdentity),
    ENTROPY: nodes(runIdentity.extend({ entropyPoints: z.array(z.object({ eta: z.number() })) })),
  }),
};

/** The jobs that are not done yet. Servers without a queue refuse the question. */
export const UNFINISHED = {
  query: `{ jobs(filter: { states: [PENDING, RUNNING] }, first: 5) {
    totalCount nodes { id kind state progress { stage fraction } }
  } }`,
  schema: z.object({
    jobs: z.object({
      totalCount: z.number(),
      nodes: z.array(
        z.object({
          id: z.string(),
          kind: z.string(),
          state: z.string(),
          progress: z.object({ stage: z.string(), fraction: z.number().nullable() }).nullable(),
        }),
      ),
    }),
  }),
};

/** Made-up answers that a run scored lowest: what it was surest of. */
export const SUREST = {
  query: `query ($id: String!) { predictions(
    filter: { runId: { eq: $id }, labelHalu: { eq: true }, scoreHalu: { isNull: false } }, orderBy: [{ field: SCORE_HALU }], first: 3
  ) { nodes { exampleId scoreHalu generation { prompt response reference } } } }`,
  schema: z.object({
    predictions: z.object({
      nodes: z.array(
        z.object({
          exampleId: z.string(),
          scoreHalu: z.number().nullable(),
          generation: z
            .object({
              prompt: z.string().nullable(),
              response: z.string().nullable(),
              reference: z.unknown(),
            })
            .nullable(),
        }),
      ),
    }),
  }),
};
