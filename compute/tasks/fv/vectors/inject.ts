import { type FvModel, type Reading, type RunOptions, readUnder } from '../sweep/readings.ts';
import type { PromptTokens } from '../trials/targets.ts';

/** What a prompt gives as it is, and with a vector added after the block of each layer. */
export interface Injection {
  readonly base: Reading;
  /** By layer, in the order asked for. */
  readonly injected: ReadonlyMap<number, Reading>;
}

/**
 * Adds to the residual stream after one block at a time, at the last token.
 * @param vectorOf `[D]`, a layer
 */
export async function inject(
  model: FvModel,
  prompt: PromptTokens,
  layers: readonly number[],
  vectorOf: (layer: number) => Float32Array,
  alpha: number,
  options: RunOptions,
): Promise<Injection> {
  const { layers: depth, hidden } = model.info;
  // Point l + 1 of the residual stream is after block l.
  const table = new Float32Array((depth + 1) * hidden);
  for (const layer of layers) table.set(vectorOf(layer), (layer + 1) * hidden);
  const interventions = layers.map((layer) => ({
    add: { table: 0, points: [{ point: layer + 1, scale: alpha }] },
  }));
  const readings: Reading[] = [];
  await readUnder(model, prompt, [{}, ...interventions], { residualTables: [table] }, options, (some) => {
    readings.push(...some);
  });
  const [base, ...injected] = readings;
  return { base: base!, injected: new Map(layers.map((layer, i) => [layer, injected[i]!])) };
}
