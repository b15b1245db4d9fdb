import { z } from 'zod';

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
