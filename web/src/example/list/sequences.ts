import { z } from 'zod';

const number = z.number().nullable();

export const sequenceRow = z.object({
  sequence: z.number(),
  tokenCount: number,
  weight: number,
  trueContrib: number,
  linear: number,
  linquad: number,
});
export type SequenceRow = z.infer<typeof sequenceRow>;

/** Sequences are ordered here: how far a prediction is off is no column of the lake. */
export interface SequenceOrder {
  readonly name: string;
  readonly title: string;
  readonly value: (row: SequenceRow) => number | null;
}

/** How far the derivatives are off: what is true minus what they predict, with the quadratic term where there is one. */
export function errorOf({ trueContrib, linear, linquad }: SequenceRow): number | null {
  const predicted = linquad ?? linear;
  return trueContrib === null || predicted === null ? null : trueContrib - predicted;
}

const size = (value: number | null) => (value === null ? null : Math.abs(value));

export const SEQUENCE_ORDERS: readonly SequenceOrder[] = [
  { name: 'error', title: 'worst predicted first', value: (row) => size(errorOf(row)) },
  { name: 'contribution', title: 'greatest true contribution first', value: (row) => size(row.trueContrib) },
  { name: 'weight', title: 'greatest weight first', value: ({ weight }) => weight },
  { name: 'sequence', title: 'in the order of the batch', value: ({ sequence }) => -sequence },
];

/** Sequences in an order; those without a value come last, equals in the order of the batch. */
export function ordered(rows: readonly SequenceRow[], { value }: SequenceOrder): SequenceRow[] {
  const rank = (row: SequenceRow) => value(row) ?? Number.NEGATIVE_INFINITY;
  return rows.toSorted((a, b) => rank(b) - rank(a) || a.sequence - b.sequence);
}

export const featureRow = z.object({
  sequence: z.number(),
  length: number,
  gdotv: number,
  vhvv: number,
  meanLogp: number,
});
export type FeatureRow = z.infer<typeof featureRow>;

/** Learning rates of a run, and the derivatives of its sequences, which need none. */
export const RATES = {
  query: `query ($id: String!, $asOf: AsOf) {
    entropyPoints(filter: { runId: { eq: $id } }, orderBy: [{ field: ETA }], first: 1000, asOf: $asOf) { nodes { eta sequences(first: 1) { sequence } } }
    entropyFeatures(filter: { runId: { eq: $id } }, orderBy: [{ field: SEQUENCE }], first: 10000, asOf: $asOf) { nodes { sequence length gdotv vhvv meanLogp } }
  }`,
  schema: z.object({
    entropyPoints: z.object({
      nodes: z.array(z.object({ eta: z.number(), sequences: z.array(z.object({ sequence: z.number() })) })),
    }),
    entropyFeatures: z.object({ nodes: z.array(featureRow) }),
  }),
};

/** The learning rates at which sequences were recorded, as addresses have them. */
export function recordedRates(found: z.infer<typeof RATES.schema>): string[] {
  return found.entropyPoints.nodes.flatMap(({ eta, sequences }) =>
    sequences.length > 0 ? [String(eta)] : [],
  );
}

/** Sequences by the size of their linear term. */
export function orderedFeatures(rows: readonly FeatureRow[]): FeatureRow[] {
  return rows.toSorted((a, b) => Math.abs(b.gdotv ?? 0) - Math.abs(a.gdotv ?? 0) || a.sequence - b.sequence);
}

/** Every sequence of a run at a learning rate. */
export const SEQUENCES = {
  query: `query ($id: String!, $eta: Float!, $asOf: AsOf) {
    entropySequences(filter: { runId: { eq: $id }, eta: { eq: $eta } }, orderBy: [{ field: SEQUENCE }], first: 10000, asOf: $asOf) {
      nodes { sequence tokenCount weight trueContrib linear linquad }
    }
  }`,
  schema: z.object({ entropySequences: z.object({ nodes: z.array(sequenceRow) }) }),
};
