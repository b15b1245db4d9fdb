import { createHash } from 'node:crypto';
import type { RunIdentity } from '../contract-run/contract-run.ts';
import type { Fit, ProbeMethod } from './method.ts';
import { ONNX_FILE, type StoredProbe } from './probe-document.ts';
import type { ProbeSpec } from './probe-spec.ts';

/** The document of a fitted probe, as it lies beside its ONNX file. */
export function probeDocument(
  fit: Fit,
  {
    spec,
    method,
    identity,
    dim,
    onnx,
    jobId,
  }: {
    readonly spec: ProbeSpec;
    readonly method: ProbeMethod;
    readonly identity: RunIdentity;
    readonly dim: number;
    readonly onnx: Uint8Array;
    readonly jobId: string;
  },
): StoredProbe {
  const { site, segment, token } = spec;
  const { direction, takes, told } = fit;
  const file = {
    file: ONNX_FILE,
    sha256: createHash('sha256').update(onnx).digest('hex'),
    input: {
      activations: takes.length === 1 && method.isLogOdds ? ['rows', dim] : ['rows', takes.length, dim],
    },
    outputs: ['score', ...Object.keys(fit.scores)],
  };
  const common = {
    format: 'runlake-probe',
    version: 1,
    model_id: identity.modelId,
    ...{ site, segment, token, dim },
    method: identity.method,
    seed: identity.seed,
    ...told,
    onnx: file,
    job: jobId,
  } as const;
  if (direction !== undefined) {
    const { weights, bias, converged } = direction;
    const score = 'weights . activation + bias is the log odds of a hallucination; activations as recorded';
    return { ...common, kind: 'linear', layer: takes[0]!, weights, bias, threshold: 0.5, converged, score };
  }
  const score = method.isLogOdds
    ? 'the output score is the probability of a hallucination; activations as recorded'
    : 'the output score grows with the likelihood of a hallucination, it is no probability; activations as recorded';
  return { ...common, kind: 'network', layers: [...takes], threshold: method.isLogOdds ? 0.5 : null, score };
}
