import type { TrialSweep } from '../sweep/head-sweep.ts';
import { type FvModel, type Reading, type RunOptions, readUnder } from '../sweep/readings.ts';
import type { PromptTokens } from '../trials/targets.ts';

/** The vector `[D]` that is added after the block of a layer. */
export type VectorOfLayer = (layer: number) => Float32Array;

/**
 * Reads a prompt as it is, and with a vector added to the residual stream after one block at a time, at the last token.
 * All vectors at all layers are rows of the same batches.
 * @returns `patched` vector by vector, in each layer by layer as they are given
 */
export async function inject(
  model: FvModel,
  prompt: PromptTokens,
  layers: readonly number[],
  vectors: readonly VectorOfLayer[],
  alpha: number,
  options: RunOptions,
): Promise<TrialSweep> {
  const { layers: depth, hidden } = model.info;
  // Point l + 1 of the residual stream is after block l.
  const residualTables = vectors.map((vectorOf) => {
    const table = new Float32Array((depth + 1) * hidden);
    for (const layer of layers) table.set(vectorOf(layer), (layer + 1) * hidden);
    return table;
  });
  const interventions = vectors.flatMap((_, table) =>
    layers.map((layer) => ({ add: { table, points: [{ point: layer + 1, scale: alpha }] } })),
  );
  const readings: Reading[] = [];
  await readUnder(model, prompt, [{}, ...interventions], { residualTables }, options, (some) => {
    readings.push(...some);
  });
  const [base, ...patched] = readings;
  return { base: base!, patched };
}
