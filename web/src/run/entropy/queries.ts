import { z } from 'zod';

const point = z.object({
  eta: z.number(),
  deltaHTrue: z.number().nullable(),
  linear: z.number().nullable(),
  linquad: z.number().nullable(),
  ess: z.number().nullable(),
  nSequences: z.union([z.number(), z.string()]).nullable(),
});

export type EntropyPoint = z.infer<typeof point>;

/** True and predicted change of a run, a learning rate each. */
export const POINTS = {
  query: `query ($id: ID!) { run(id: $id) {
    entropyUpdate { shape normalization deltaHPerLr }
    entropyPoints(orderBy: [{ field: ETA }], first: 1000) { eta deltaHTrue linear linquad ess nSequences }
  } }`,
  schema: z.object({
    run: z
      .object({
        entropyUpdate: z
          .object({
            shape: z.string(),
            normalization: z.string().nullable(),
            deltaHPerLr: z.number().nullable(),
          })
          .nullable(),
        entropyPoints: z.array(point),
      })
      .nullable(),
  }),
};

export type FoundPoints = z.infer<typeof POINTS.schema>;
