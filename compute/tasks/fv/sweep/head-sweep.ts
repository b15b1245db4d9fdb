import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';
import type { PromptTokens } from '../trials/targets.ts';
import { type Attempt, type FvModel, type RunOptions, readUnder, type TrialSweep } from './readings.ts';

/** The heads of a model, layer by layer; only those of some layers, and of some numbers, where that is asked for. */
export function headsOf(
  { layers, heads }: { readonly layers: number; readonly heads: number },
  only: { readonly layers?: readonly number[]; readonly heads?: readonly number[] } = {},
): HeadPlace[] {
  const within = (count: number, wanted: readonly number[] | undefined) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => wanted?.includes(i) ?? true);
  const inLayer = within(heads, only.heads);
  return within(layers, only.layers).flatMap((layer) => inLayer.map((head) => ({ layer, head })));
}

/**
 * Replaces one head after the other, each alone, at the last token of the trials' corrupted prompts.
 * @param means of the heads over clean prompts, `[L, H, d]`
 */
export function sweepTrials(
  model: FvModel,
  prompts: readonly PromptTokens[],
  means: Float32Array,
  heads: readonly HeadPlace[],
  options: RunOptions,
  attempt: Attempt = {},
): Promise<TrialSweep[]> {
  const interventions = heads.map((head) => ({ replace: { table: 0, heads: [head] } }));
  return readUnder(model, { prompts, interventions, tables: { headTables: [means] } }, options, attempt);
}
