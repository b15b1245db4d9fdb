import { z } from 'zod';

/** Where in the directory of a run its probe lies, and the file that scores activations. */
export const PROBE_FILE = 'artifacts/probe.json';
export const ONNX_FILE = 'artifacts/probe.onnx';

const common = {
  format: z.literal('runlake-probe'),
  version: z.literal(1),
  model_id: z.string(),
  site: z.string(),
  segment: z.string(),
  token: z.string(),
  dim: z.int().min(1),
  method: z.string(),
  seed: z.int(),
  /** The file that scores activations: its bytes' hash, and the names of its outputs, `score` first. */
  onnx: z.looseObject({ sha256: z.string(), outputs: z.array(z.string()).min(2) }).optional(),
};

/** A probe that is a direction. */
export const probeDocumentSchema = z.looseObject({
  ...common,
  kind: z.literal('linear'),
  layer: z.int(),
  weights: z.array(z.number()).min(1),
  bias: z.number(),
  /** Probability from which on the probe says "hallucination". */
  threshold: z.number(),
});

/** A probe that only its ONNX file can score with. */
const networkProbeSchema = z.looseObject({
  ...common,
  kind: z.literal('network'),
  /** Layers whose activations the file takes, in this order. */
  layers: z.array(z.int()).min(1),
  /** Undefined thresholds are null: of scores that are no probabilities. */
  threshold: z.number().nullable(),
});

/**
 * A probe that scores new activations, as it lies in `artifacts/probe.json` of its run; every one has an ONNX file beside it. Of a
 * linear one standardisation is folded in: it takes raw activations, weights . activation + bias is the log odds of a hallucination.
 */
export const storedProbeSchema = z.discriminatedUnion('kind', [probeDocumentSchema, networkProbeSchema]);

export type ProbeDocument = z.infer<typeof probeDocumentSchema>;
export type StoredProbe = z.infer<typeof storedProbeSchema>;

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
