import { z } from 'zod';

/** Families whose runs the overview tells something about, in the order in which it does. */
export const FAMILIES = ['HALLULENS', 'FV', 'CHAOSBENCH', 'ENTROPY'] as const;
export type Family = (typeof FAMILIES)[number];

const newest = z.object({
  totalCount: z.number(),
  nodes: z.array(
    z.object({
      id: z.string(),
      method: z.string().nullable(),
      modelId: z.string().nullable(),
      benchmark: z.string().nullable(),
    }),
  ),
});

export type NewestRuns = z.infer<typeof newest>;
export type NewestRun = NewestRuns['nodes'][number];

const newestOf = (family: Family) => `${family}: runs(
  filter: { family: { eq: "${family}" } }, orderBy: [{ field: INGESTED_AT, direction: DESC }], first: 20
) { totalCount nodes { id method modelId benchmark } }`;

/** How much there is, and the newest runs of every family. */
export const OVERVIEW = {
  query: `{
    lake { tables { name rows } }
    withIssues: runs(filter: { nIssues: { gt: 0 } }, first: 0) { totalCount }
    ${FAMILIES.map(newestOf).join('\n')}
  }`,
  schema: z.object({
    lake: z.object({ tables: z.array(z.object({ name: z.string(), rows: z.coerce.number() })) }),
    withIssues: z.object({ totalCount: z.number() }),
    HALLULENS: newest,
    FV: newest,
    CHAOSBENCH: newest,
    ENTROPY: newest,
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

const detected = z.object({
  id: z.string(),
  method: z.string().nullable(),
  seed: z.union([z.number(), z.string()]).nullable(),
  metrics: z.array(
    z.object({
      value: z.number().nullable(),
      ciLow: z.number().nullable(),
      ciHigh: z.number().nullable(),
      source: z.string(),
    }),
  ),
});

export type DetectedRun = z.infer<typeof detected>;

/** How well every run of a model on a benchmark tells made-up answers from right ones. */
export const DETECTORS = {
  query: `query ($filter: RunFilter!) { runs(filter: $filter, orderBy: [{ field: INGESTED_AT, direction: DESC }], first: 200) {
    nodes { id method seed
      metrics(filter: { metric: { eq: "auroc" }, scope: { eq: "overall" } }, first: 10) { value ciLow ciHigh source } }
  } }`,
  schema: z.object({ runs: z.object({ nodes: z.array(detected) }) }),
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
