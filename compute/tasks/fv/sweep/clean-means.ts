import { planRuns } from '../../../model/index.ts';
import type { FvModel, RunOptions } from './readings.ts';

/**
 * The mean output of every head at the last token of prompts, `[L, H, d]`: what the attention's output projection
 * gets of it. A running mean in float32 in the order of the prompts.
 */
export async function cleanMeans(
  model: FvModel,
  prompts: readonly (readonly number[])[],
  { limits, reference = false, signal }: RunOptions,
): Promise<Float32Array> {
  const { layers, heads, headDim } = model.info;
  const width = heads * headDim;
  const plan = planRuns(
    model.info,
    { rows: prompts.map((tokens) => ({ tokens: tokens.length })) },
    reference ? { ...limits, maxRows: 1 } : limits,
  );
  const all = Array.from({ length: layers }, (_, layer) => layer);
  const batches = plan.map((indices) => ({
    rows: indices.map((i) => ({ tokens: prompts[i]! })),
    capture: { heads: all },
  }));
  const outputs = new Array<Float32Array>(prompts.length);
  let batch = 0;
  await model.forward(
    { batches },
    (result) => {
      for (const [row, prompt] of plan[batch++]!.entries()) {
        const output = new Float32Array(layers * width);
        for (const layer of all) {
          const { data } = result.heads.get(layer)!;
          output.set(data.subarray(row * width, (row + 1) * width), layer * width);
        }
        outputs[prompt] = output;
      }
    },
    signal,
  );
  const mean = new Float32Array(layers * width);
  for (const [count, output] of outputs.entries()) {
    for (let i = 0; i < mean.length; i++) {
      mean[i] = mean[i]! + Math.fround(Math.fround(output[i]! - mean[i]!) / (count + 1));
    }
  }
  return mean;
}

/** The Euclidean norm of a vector. */
export function norm(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.fround(Math.sqrt(squares));
}
