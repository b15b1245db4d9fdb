import { z } from 'zod';

const metric = z.object({
  scope: z.string(),
  split: z.string().nullable(),
  metric: z.string(),
  value: z.number().nullable(),
  ciLow: z.number().nullable(),
  ciHigh: z.number().nullable(),
  source: z.string(),
});

export type MetricRow = z.infer<typeof metric>;

const run = z.object({
  id: z.string(),
  family: z.string(),
  method: z.string().nullable(),
  modelId: z.string().nullable(),
  benchmark: z.string().nullable(),
  split: z.string().nullable(),
  seed: z.union([z.number(), z.string()]).nullable(),
  status: z.string(),
  verdict: z.string().nullable(),
  verdictReasons: z.array(z.string()).nullable(),
  gitCommit: z.string().nullable(),
  gitDirty: z.boolean().nullable(),
  createdAt: z.string().nullable(),
  ingestedAt: z.string(),
  sourceUri: z.string().nullable(),
  contentSha256: z.string(),
  duplicateOf: z.string().nullable(),
  config: z.unknown(),
  nGenerations: z.number(),
  nPredictions: z.number(),
  nActivations: z.number(),
  nIssues: z.number(),
  compliance: z
    .array(z.object({ item: z.string().nullable(), passed: z.boolean().nullable(), detail: z.unknown() }))
    .nullable(),
  metrics: z.array(metric),
  issues: z.array(
    z.object({
      severity: z.string(),
      code: z.string(),
      file: z.string().nullable(),
      line: z.number().nullable(),
      pointer: z.string().nullable(),
      message: z.string(),
    }),
  ),
});

export type RunDetail = z.infer<typeof run>;

export const RUN = {
  query: `query ($id: ID!) { run(id: $id) {
    id family method modelId benchmark split seed status verdict verdictReasons gitCommit gitDirty createdAt ingestedAt sourceUri contentSha256
    duplicateOf config nGenerations nPredictions nActivations nIssues
    compliance { item passed detail }
    metrics(first: 1000) { scope split metric value ciLow ciHigh source }
    issues(first: 200) { severity code file line pointer message }
  } }`,
  schema: z.object({ run: run.nullable() }),
};

const example = z.object({
  exampleId: z.string(),
  scoreHalu: z.number().nullable(),
  labelHalu: z.boolean().nullable(),
  predLabel: z.string().nullable(),
  trueLabel: z.string().nullable(),
  outcome: z.string().nullable(),
  generation: z
    .object({ prompt: z.string().nullable(), response: z.string().nullable(), reference: z.unknown() })
    .nullable(),
});

export type ExampleRow = z.infer<typeof example>;

/** Predictions in the order of their scores, with what was asked and answered. */
export const EXAMPLES = {
  query: `query ($filter: PredictionFilter!, $orderBy: [PredictionOrder!]!, $after: String) {
    predictions(filter: $filter, orderBy: $orderBy, first: 25, after: $after) {
      nodes { exampleId scoreHalu labelHalu predLabel trueLabel outcome generation { prompt response reference } }
      pageInfo { hasNextPage endCursor }
    }
  }`,
  schema: z.object({
    predictions: z.object({
      nodes: z.array(example),
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
    }),
  }),
};

/** Scores and labels of a run: what ROC and histograms are made of. */
export const SCORES = {
  query: `query ($id: String!) { predictions(filter: { runId: { eq: $id }, scoreHalu: { isNull: false }, labelHalu: { isNull: false } }, first: 1000) {
    nodes { scoreHalu labelHalu }
    totalCount
  } }`,
  schema: z.object({
    predictions: z.object({
      nodes: z.array(z.object({ scoreHalu: z.number(), labelHalu: z.boolean() })),
      totalCount: z.number(),
    }),
  }),
};

const point = z.object({
  layer: z.number(),
  baseline: z.number().nullable().optional(),
  with: z.number().nullable(),
});

/** Heads and layers of a function-vector run. */
export const FUNCTION_VECTOR = {
  query: `query ($id: ID!, $metric: String!, $set: FvQuerySet!) {
    fvHeatmap(runId: $id) { layers heads matrix k topHeads { rank layer head score } }
    vector: fvLayerCurve(runId: $id, metric: $metric, querySet: $set) { layer baseline with }
    random: fvLayerCurve(runId: $id, metric: $metric, querySet: $set, vector: RANDOM_VECTOR) { layer with }
    other: fvLayerCurve(runId: $id, metric: $metric, querySet: $set, vector: OTHER_QUERY) { layer with }
  }`,
  schema: z.object({
    fvHeatmap: z
      .object({
        layers: z.number(),
        heads: z.number(),
        matrix: z.array(z.array(z.number().nullable())),
        k: z.number(),
        topHeads: z.array(
          z.object({ rank: z.number(), layer: z.number(), head: z.number(), score: z.number().nullable() }),
        ),
      })
      .nullable(),
    vector: z.array(point),
    random: z.array(point),
    other: z.array(point),
  }),
};
