import {
  type Attempt,
  type FvModel,
  type RunOptions,
  readUnder,
  type TrialSweep,
} from '../sweep/readings.ts';
import type { PromptTokens } from '../trials/targets.ts';

/** The vector `[D]` that is added after the block of a layer. */
export type VectorOfLayer = (layer: number) => Float32Array;

/**
 * Reads prompts as they are, and with a vector added to the residual stream after one block at a time, at the last token.
 * All vectors at all layers, of all prompts, are rows of the same batches.
 * @returns by prompt; `patched` vector by vector, in each layer by layer as they are given
 */
export function inject(
  model: FvModel,
  prompts: readonly PromptTokens[],
  layers: readonly number[],
  vectors: readonly VectorOfLayer[],
  alpha: number,
  options: RunOptions,
  attempt: Attempt = {},
): Promise<TrialSweep[]> {
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
  return readUnder(model, { prompts, interventions, tables: { residualTables } }, options, attempt);
}
