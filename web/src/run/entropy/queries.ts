import { z } from 'zod';

const point = z.object({
  eta: z.number(),
  deltaHTrue: z.number().nullable(),
  linear: z.number().nullable(),
  linquad: z.number().nullable(),
  ess: z.number().nullable(),
  nSequences: z.coerce.number().nullable(),
});

export type EntropyPoint = z.infer<typeof point>;

/** True and predicted change of a run, a learning rate each. */
export const POINTS = {
  query: `query ($id: ID!) { run(id: $id) {
    entropyUpdate { shape normalization }
    entropyPoints(orderBy: [{ field: ETA }], first: 1000) { eta deltaHTrue linear linquad ess nSequences }
  } }`,
  schema: z.object({
    run: z
      .object({
        entropyUpdate: z
          .object({
            shape: z.string(),
            normalization: z.string().nullable(),
          })
          .nullable(),
        entropyPoints: z.array(point),
      })
      .nullable(),
  }),
};

export type FoundPoints = z.infer<typeof POINTS.schema>;

const check = z.object({
  identity: z.string(),
  difference: z.number().nullable(),
  tolerance: z.number().nullable(),
  holds: z.boolean().nullable(),
  asserted: z.boolean().nullable(),
});

export type IdentityCheck = z.infer<typeof check>;

const sequence = z.object({
  sequence: z.number(),
  weight: z.number().nullable(),
  tokenCount: z.number().nullable(),
  trueContrib: z.number().nullable(),
  linear: z.number().nullable(),
  linquad: z.number().nullable(),
});

export type EntropySequence = z.infer<typeof sequence>;

/** One learning rate of a run: its sequences, and which identities hold. */
export const SEQUENCES = {
  query: `query ($id: ID!, $eta: Float!) { entropyComparison(runId: $id, eta: $eta) {
    eta deltaHTrue linear linquad nSequences
    checks { identity difference tolerance holds asserted }
    sequences(first: 10000) { sequence weight tokenCount trueContrib linear linquad }
  } }`,
  schema: z.object({
    entropyComparison: z
      .object({
        eta: z.number(),
        deltaHTrue: z.number().nullable(),
        linear: z.number().nullable(),
        linquad: z.number().nullable(),
        nSequences: z.coerce.number().nullable(),
        checks: z.array(check).nullable(),
        sequences: z.array(sequence),
      })
      .nullable(),
  }),
};

export type Comparison = NonNullable<z.infer<typeof SEQUENCES.schema>['entropyComparison']>;
