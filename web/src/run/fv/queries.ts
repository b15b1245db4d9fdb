import { z } from 'zod';

/** Head scores of a run as a matrix, and its top heads. */
export const HEADS = {
  query: `query ($id: ID!, $score: String!) {
    fvHeatmap(runId: $id, scoreKey: $score) {
      layers heads missing matrix boundaryGap topHeads { rank layer head score selected tied }
    }
  }`,
  schema: z.object({
    fvHeatmap: z
      .object({
        layers: z.number(),
        heads: z.number(),
        missing: z.number(),
        matrix: z.array(z.array(z.number().nullable())),
        boundaryGap: z.number().nullable(),
        topHeads: z.array(
          z.object({
            rank: z.number(),
            layer: z.number(),
            head: z.number(),
            score: z.number().nullable(),
            selected: z.boolean().nullable(),
            tied: z.boolean(),
          }),
        ),
      })
      .nullable(),
  }),
};

export type FoundHeads = z.infer<typeof HEADS.schema>;

const injection = z.object({
  layer: z.number(),
  vectorKind: z.string().nullable(),
  querySet: z.string().nullable(),
  accBase: z.number().nullable(),
  accWith: z.number().nullable(),
  meanPBase: z.number().nullable(),
  meanPWith: z.number().nullable(),
  meanLogprobBase: z.number().nullable(),
  meanLogprobWith: z.number().nullable(),
  /** Examples that the means are over. */
  nEval: z.coerce.number().nullable(),
});

export type Injection = z.infer<typeof injection>;

/** The effect of the function vector and of its controls, a row a layer, vector, draw and set of examples. */
export const INJECTIONS = {
  query: `query ($id: String!) {
    fvInjections(filter: { runId: { eq: $id } }, orderBy: [{ field: LAYER }], first: 10000) {
      nodes {
        layer vectorKind querySet accBase accWith meanPBase meanPWith meanLogprobBase meanLogprobWith nEval
      }
    }
  }`,
  schema: z.object({ fvInjections: z.object({ nodes: z.array(injection) }) }),
};

export type FoundInjections = z.infer<typeof INJECTIONS.schema>;
