import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';
import type { ModelInfo, OutputProjection } from '../../../model/index.ts';

type Sizes = Pick<ModelInfo, 'heads' | 'headDim'>;

/** A head's part of the means `[L, H, d]`. */
export function headMean(
  means: Float32Array,
  { heads, headDim }: Sizes,
  { layer, head }: HeadPlace,
): Float32Array {
  const from = (layer * heads + head) * headDim;
  return means.subarray(from, from + headDim);
}

/**
 * The function vector `[D]`: the sum of what the heads' means add to the residual stream, each through its layer's output
 * projection, in the order given (float32 sums depend on it). A projection's bias is added once a head, as the reference
 * implementation does; models of GPT-2's kind have one.
 */
export async function functionVector(
  means: Float32Array,
  sizes: Sizes,
  heads: readonly HeadPlace[],
  projectionOf: (layer: number) => Promise<OutputProjection>,
): Promise<Float32Array> {
  const parts = new Map<HeadPlace, Float32Array>();
  // Layer by layer: a projection of a large model is not kept longer than it is needed.
  for (const layer of new Set(heads.map((head) => head.layer))) {
    const projection = await projectionOf(layer);
    for (const head of heads.filter((one) => one.layer === layer)) {
      parts.set(head, projected(projection, headMean(means, sizes, head), head.head));
    }
  }
  const [first, ...others] = heads.map((head) => parts.get(head)!);
  const sum = new Float32Array(first ?? []);
  for (const part of others) for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + part[i]!;
  return sum;
}

/** One head's values through its columns of the projection. */
function projected(
  { matrix, bias, hidden, width }: OutputProjection,
  values: Float32Array,
  head: number,
): Float32Array {
  const out = new Float32Array(hidden);
  const column = head * values.length;
  for (let i = 0; i < hidden; i++) {
    let sum = 0;
    for (let j = 0; j < values.length; j++) sum += matrix[i * width + column + j]! * values[j]!;
    out[i] = sum + (bias?.[i] ?? 0);
  }
  return out;
}

/**
 * For each layer the means of its chosen heads in their places, zeros elsewhere: `[H · d]`, before the output projection.
 */
export function vectorsByLayer(
  means: Float32Array,
  sizes: Sizes,
  heads: readonly HeadPlace[],
  layers: readonly number[],
): Map<number, Float32Array> {
  const { heads: count, headDim } = sizes;
  return new Map(
    layers.map((layer) => {
      const vector = new Float32Array(count * headDim);
      for (const head of heads) {
        if (head.layer === layer) vector.set(headMean(means, sizes, head), head.head * headDim);
      }
      return [layer, vector];
    }),
  );
}
