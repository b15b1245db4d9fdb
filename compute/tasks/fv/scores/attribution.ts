import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';
import type { OutputProjection, Unembedding } from '../../../model/index.ts';

/*
 * Direct logit attribution: the part of a token's logit that a head writes itself, as TransformerLens and nnsight define it. The
 * residual stream x before the final norm is a sum, one summand of which is the head's output z through its columns of
 * the output projection, W z. The norm's scale is held at that of the whole stream, so that the logit is linear in the
 * summands:
 *
 *     dla = u · (gain ⊙ centred(W z)) / s
 *
 * with u the token's row of the output matrix, s = sqrt(mean(x²) + ε) of an RMS norm; a layer norm centres x and W z first.
 * Biases (of the projection, of the norm) belong to no head. Nothing that later layers make of W z is counted: that is
 * what the causal effect measures.
 */

/** Attributions of one head by trial: parts of the target's logit. */
export interface HeadAttribution extends HeadPlace {
  readonly corrupted: readonly number[];
  readonly clean: readonly number[];
}

/** `gain ⊙ u`, centred for a layer norm: centring W z or this is the same. */
export function logitDirection({ norm, gain, rows }: Unembedding, token: number): Float64Array {
  const row = rows.get(token)!;
  const direction = Float64Array.from(row, (value, i) => value * gain[i]!);
  if (norm.kind === 'layer') {
    const mean = average(direction);
    for (let i = 0; i < direction.length; i++) direction[i]! -= mean;
  }
  return direction;
}

/** The final norm's divisor for a residual stream `[D]`. */
export function normScale({ norm }: Pick<Unembedding, 'norm'>, residual: Float32Array): number {
  const mean = norm.kind === 'layer' ? average(residual) : 0;
  let squares = 0;
  for (const value of residual) squares += (value - mean) ** 2;
  return Math.sqrt(squares / residual.length + norm.epsilon);
}

/** What each value before an output projection adds along a direction: `Wᵀ g`, `[H · d]`. */
export function throughProjection(
  { matrix, hidden, width }: OutputProjection,
  direction: Float64Array,
): Float64Array {
  const out = new Float64Array(width);
  for (let i = 0; i < hidden; i++) {
    const factor = direction[i]!;
    const row = i * width;
    for (let j = 0; j < width; j++) out[j]! += factor * matrix[row + j]!;
  }
  return out;
}

function average(values: Float32Array | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
