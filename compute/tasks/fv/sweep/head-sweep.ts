import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';
import type { PromptTokens } from '../trials/targets.ts';
import { type FvModel, type Reading, type RunOptions, readUnder } from './readings.ts';

/** What a trial's corrupted prompt gives as it is, and with each head replaced by its clean mean. */
export interface TrialSweep {
  readonly base: Reading;
  /** In the order of the heads asked for; shorter while the sweep is under way. */
  readonly patched: readonly Reading[];
}

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
 * Replaces one head after the other, each alone, at the last token of a trial's corrupted prompt.
 * @param means of the heads over clean prompts, `[L, H, d]`
 * @param onProgress what is known after each batch
 * @param from where an earlier sweep of the same trial has got to
 */
export async function sweepTrial(
  model: FvModel,
  prompt: PromptTokens,
  means: Float32Array,
  heads: readonly HeadPlace[],
  options: RunOptions,
  onProgress: (sweep: TrialSweep) => void | Promise<void> = () => {},
  from?: TrialSweep,
): Promise<TrialSweep> {
  const interventions = [{}, ...heads.map((head) => ({ replace: { table: 0, heads: [head] } }))];
  const readings = from === undefined ? [] : [from.base, ...from.patched];
  const sweep = (): TrialSweep => ({ base: readings[0]!, patched: readings.slice(1) });
  const told = async (some: readonly Reading[]) => {
    readings.push(...some);
    await onProgress(sweep());
  };
  const tables = { headTables: [means] };
  await readUnder(model, prompt, interventions, tables, options, told, readings.length);
  return sweep();
}
