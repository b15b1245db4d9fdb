import { z } from 'zod';

/** Where in the directory of a run its probe lies. */
export const PROBE_FILE = 'artifacts/probe.json';

/**
 * A probe that scores new activations, as it lies in `artifacts/probe.json` of its run. Standardisation is folded in: it takes raw
 * activations, weights . activation + bias is the log odds of a hallucination.
 */
export const probeDocumentSchema = z.looseObject({
  format: z.literal('runlake-probe'),
  version: z.literal(1),
  kind: z.literal('linear'),
  model_id: z.string(),
  site: z.string(),
  layer: z.int(),
  segment: z.string(),
  token: z.string(),
  dim: z.int().min(1),
  weights: z.array(z.number()).min(1),
  bias: z.number(),
  /** Probability from which on the probe says "hallucination". */
  threshold: z.number(),
  method: z.string(),
  seed: z.int(),
});

export type ProbeDocument = z.infer<typeof probeDocumentSchema>;

/** Log odds of a hallucination, of one activation at the probe's layer and token. */
export function probeLogit(
  { weights, bias }: Pick<ProbeDocument, 'weights' | 'bias'>,
  activation: ArrayLike<number>,
): number {
  return weights.reduce((sum, weight, i) => sum + weight * activation[i]!, bias);
}

/** The probability that a logit stands for. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
