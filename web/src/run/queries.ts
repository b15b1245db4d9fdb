import { z } from 'zod';
import { RUN_IDENTITY, runIdentity } from '../api/run-identity.ts';
import { runMetric } from '../metrics/run-metric.ts';

const run = runIdentity.extend({
  verdictReasons: z.array(z.string()).nullable(),
  gitCommit: z.string().nullable(),
  gitDirty: z.boolean().nullable(),
  createdAt: z.string().nullable(),
  ingestedAt: z.string(),
  sourceUri: z.string().nullable(),
  contentSha256: z.string(),
  duplicateOf: z.string().nullable(),
  config: z.unknown(),
  manifest: z.unknown(),
  nGenerations: z.number(),
  nPredictions: z.number(),
  nActivations: z.number(),
  nIssues: z.number(),
  compliance: z
    .array(z.object({ item: z.string().nullable(), passed: z.boolean().nullable(), detail: z.unknown() }))
    .nullable(),
  /** The first line of the training log. */
  logged: z.array(z.object({ step: z.number() })),
  entropyUpdate: z.object({ shape: z.string() }).nullable(),
  metrics: z.array(runMetric),
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
    ${RUN_IDENTITY} verdictReasons gitCommit gitDirty createdAt ingestedAt sourceUri contentSha256
    duplicateOf config manifest nGenerations nPredictions nActivations nIssues
    compliance { item passed detail }
    logged: trainMetrics(first: 1) { step }
    entropyUpdate { shape }
    metrics(filter: { scope: { eq: "overall" } }, first: 1000) { scope split metric value ciLow ciHigh source }
    issues(first: 500) { severity code file line pointer message }
  } }`,
  schema: z.object({ run: run.nullable() }),
};

/** What to do about issues, by code. */
export const REMEDIES = {
  query: 'query ($codes: [String!]!) { issueRemedies(codes: $codes) { code remedy } }',
  schema: z.object({ issueRemedies: z.array(z.object({ code: z.string(), remedy: z.string() })) }),
};
