import { z } from 'zod';

const number = z.number().nullable();
const string = z.string().nullable();
const boolean = z.boolean().nullable();
const seed = z.union([z.number(), z.string()]).nullable();

const run = z.object({
  id: z.string(),
  family: z.string(),
  method: string,
  modelId: string,
  benchmark: string,
  split: string,
  seed,
  status: z.string(),
  sourceUri: string,
  contentSha256: z.string(),
  gitCommit: string,
  gitDirty: boolean,
  createdAt: string,
  ingestedAt: z.string(),
  nGenerations: z.number(),
  nPredictions: z.number(),
  stores: z.array(z.object({ storeId: z.string(), format: z.string(), uri: string, nEntries: z.number() })),
});
export type ExampleRun = z.infer<typeof run>;

const generation = z.object({
  activationKey: string,
  benchmark: string,
  split: string,
  seed,
  modelId: string,
  prompt: string,
  response: string,
  reference: z.unknown(),
  halu: boolean,
  abstained: boolean,
  labelSource: string,
  generationParams: z.unknown(),
  timing: z.unknown(),
  extra: z.unknown(),
  sourceLine: number,
  tokens: z.array(
    z.object({ segment: z.string(), tokenIndex: z.number(), tokenId: z.unknown(), logprob: number }),
  ),
});
export type Generation = z.infer<typeof generation>;

const judged = z.object({
  scoreHalu: number,
  labelHalu: boolean,
  predHalu: boolean,
  threshold: number,
  predLabel: string,
  trueLabel: string,
  outcome: string,
  correct: boolean,
  latencyS: number,
  taskFamily: string,
  split: string,
  benchmark: string,
  method: string,
  modelId: string,
  seed,
  sourceLine: number,
});

const prediction = judged.extend({ extra: z.unknown() });
export type Prediction = z.infer<typeof prediction>;

const JUDGED = Object.keys(judged.shape).join(' ');

/** One example of a run: what was asked, answered and judged. */
export const EXAMPLE = {
  query: `query ($run: ID!, $runId: String!, $example: String!, $asOf: AsOf) {
    run(id: $run, asOf: $asOf) {
      id family method modelId benchmark split seed status sourceUri contentSha256 gitCommit gitDirty createdAt ingestedAt
      nGenerations nPredictions stores { storeId format uri nEntries }
    }
    generations(filter: { runId: { eq: $runId }, exampleId: { eq: $example } }, first: 50, asOf: $asOf) {
      nodes {
        activationKey benchmark split seed modelId prompt response reference halu abstained labelSource generationParams timing extra sourceLine
        tokens(first: 4000) { segment tokenIndex tokenId logprob }
      }
    }
    predictions(filter: { runId: { eq: $runId }, exampleId: { eq: $example } }, first: 50, asOf: $asOf) { nodes { ${JUDGED} extra } }
    lake(asOf: $asOf) { snapshot }
  }`,
  schema: z.object({
    run: run.nullable(),
    generations: z.object({ nodes: z.array(generation) }),
    predictions: z.object({ nodes: z.array(prediction) }),
    lake: z.object({ snapshot: z.string() }),
  }),
};
export type ExampleAnswer = z.infer<typeof EXAMPLE.schema>;

/** What the run recorded about itself. */
export const MANIFEST = {
  query: 'query ($run: ID!, $asOf: AsOf) { run(id: $run, asOf: $asOf) { manifest config } }',
  schema: z.object({ run: z.object({ manifest: z.unknown(), config: z.unknown() }).nullable() }),
};

const otherPrediction = judged.extend({
  run: z.object({ id: z.string(), method: string, modelId: string, seed, config: z.unknown() }).nullable(),
  generation: z.object({ prompt: string, response: string }).nullable(),
});
export type OtherPrediction = z.infer<typeof otherPrediction>;

/** Predictions about the example in all runs, the first hundred by method. */
export const METHODS = {
  query: `query ($filter: PredictionFilter!, $asOf: AsOf) {
    predictions(filter: $filter, orderBy: [{ field: METHOD }, { field: MODEL_ID }, { field: SEED }, { field: RUN_ID }], first: 100, asOf: $asOf) {
      nodes { ${JUDGED} run { id method modelId seed config } generation { prompt response } }
      totalCount
    }
  }`,
  schema: z.object({
    predictions: z.object({ nodes: z.array(otherPrediction), totalCount: z.number() }),
  }),
};

const sample = z.object({
  runId: z.string(),
  exampleId: z.string(),
  sourceLine: number,
  modelId: string,
  seed,
  response: string,
  halu: boolean,
  abstained: boolean,
  labelSource: string,
});
export type Sample = z.infer<typeof sample>;

/** Answers to one prompt. */
export const SAMPLES = {
  query: `query ($filter: GenerationFilter!, $asOf: AsOf) {
    generations(filter: $filter, orderBy: [{ field: RUN_ID }, { field: SOURCE_LINE }, { field: EXAMPLE_ID }], first: 100, asOf: $asOf) {
      nodes { runId exampleId sourceLine modelId seed response halu abstained labelSource }
      totalCount
    }
  }`,
  schema: z.object({ generations: z.object({ nodes: z.array(sample), totalCount: z.number() }) }),
};

/** Vectors that were recorded for one entry of the stores of a run, without their values. */
export const VECTORS = {
  query: `query ($key: String!, $stores: [String!]!, $asOf: AsOf) {
    activations(filter: { activationKey: { eq: $key }, storeId: { in: $stores } }, orderBy: [{ field: SITE }, { field: LAYER }, { field: TOKEN_INDEX }], first: 10000, asOf: $asOf) {
      nodes { storeId site layer tokenSelector segment tokenIndex dtype dim norm }
      totalCount
    }
  }`,
  schema: z.object({
    activations: z.object({
      nodes: z.array(
        z.object({
          storeId: z.string(),
          site: z.string(),
          layer: z.number(),
          tokenSelector: z.string(),
          segment: string,
          tokenIndex: number,
          dtype: z.string(),
          dim: z.number(),
          norm: number,
        }),
      ),
      totalCount: z.number(),
    }),
  }),
};
