import { z } from 'zod';
import { RUN_IDENTITY, runIdentity } from '../api/run-identity.ts';
import { runMetric } from '../metrics/run-metric.ts';
import { MOST_COMPARED } from './address.ts';

const run = runIdentity.extend({
  gitCommit: z.string().nullable(),
  gitDirty: z.boolean().nullable(),
  nGenerations: z.number(),
  nPredictions: z.number(),
  config: z.unknown(),
  manifest: z.unknown(),
  metrics: z.array(runMetric),
});

export type ComparedRun = z.infer<typeof run>;

/** The runs of a comparison, in no order. */
export const COMPARED_RUNS = {
  query: `query ($ids: [String!]!) { runs(filter: { id: { in: $ids } }, first: ${MOST_COMPARED}) { nodes {
    ${RUN_IDENTITY} gitCommit gitDirty nGenerations nPredictions config manifest
    metrics(first: 5000) { scope split metric value ciLow ciHigh source }
  } } }`,
  schema: z.object({ runs: z.object({ nodes: z.array(run) }) }),
};

const estimate = z.object({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  confidence: z.number(),
  interval: z.string(),
});
const test = z.object({
  method: z.string(),
  pValue: z.number().nullable(),
  adjustedPValue: z.number().nullable(),
  correction: z.string().nullable(),
});
export type PairedTest = z.infer<typeof test>;

const correctness = z.object({
  scope: z.string(),
  n: z.number(),
  accuracyA: estimate,
  accuracyB: estimate,
  difference: estimate,
  test,
  clusteredTest: test.nullable(),
});
export type PairedCorrectness = z.infer<typeof correctness>;

const ranking = z.object({
  n: z.number(),
  aurocA: estimate,
  aurocB: estimate,
  difference: estimate,
  test,
  clusteredTest: test.nullable(),
});
export type PairedRanking = z.infer<typeof ranking>;

const counts = z.object({
  lost: z.number(),
  gained: z.number(),
  changed: z.number(),
  same: z.number(),
  incomparable: z.number(),
});

const paired = z.object({
  common: z.number(),
  onlyInA: z.number(),
  onlyInB: z.number(),
  repeated: z.number(),
  counts,
  correctness: correctness.nullable(),
  scopes: z.array(correctness),
  ranking: ranking.nullable(),
  notes: z.array(z.string()),
});
export type Paired = z.infer<typeof paired>;

const ESTIMATE = '{ value low high confidence interval }';
const TEST = '{ method pValue adjustedPValue correction }';
const CORRECTNESS = `{ scope n accuracyA ${ESTIMATE} accuracyB ${ESTIMATE} difference ${ESTIMATE} test ${TEST} clusteredTest ${TEST} }`;

/** Paired statistics of two runs; differences are b minus a. */
export const PAIRED = {
  query: `query ($a: ID!, $b: ID!) { compareRuns(a: $a, b: $b, first: 1) {
    common onlyInA onlyInB repeated notes counts { lost gained changed same incomparable }
    correctness ${CORRECTNESS} scopes ${CORRECTNESS}
    ranking { n aurocA ${ESTIMATE} aurocB ${ESTIMATE} difference ${ESTIMATE} test ${TEST} clusteredTest ${TEST} }
  } }`,
  schema: z.object({ compareRuns: paired }),
};
