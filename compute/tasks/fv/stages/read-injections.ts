import { fingerprintOf } from '../checkpoints.ts';
import type { TrialSweep } from '../sweep/head-sweep.ts';
import type { PromptTokens } from '../trials/targets.ts';
import { inject } from '../vectors/inject.ts';
import { checkpointsOf, type StageContext } from './context.ts';

/** Prompts to be read without and with a vector after each layer. */
export interface InjectionPlan {
  /** For the progress and for the checkpoints. */
  readonly stage: string;
  readonly prompts: ReadonlyMap<number, PromptTokens>;
  readonly layers: readonly number[];
  readonly vectorOf: (layer: number) => Float32Array;
  /** What the readings depend on beside the layers: JSON values. */
  readonly basis: readonly unknown[];
}

/** The readings by prompt; `patched` is in the order of the layers. */
export async function readInjections(
  context: StageContext,
  { stage, prompts, layers, vectorOf, basis }: InjectionPlan,
): Promise<Map<number, TrialSweep>> {
  const { experiment, options, progress, examined } = context;
  const kept = checkpointsOf(context, stage, fingerprintOf(stage, basis, layers, options.reference));
  const found = new Map<number, TrialSweep>();
  for (const [index, prompt] of prompts) {
    const total = prompts.size * layers.length;
    const done = found.size * layers.length;
    progress({
      stage: `${experiment.qId}: ${stage}`,
      done,
      total,
      counter: { unit: 'layers', count: done },
    });
    let one = await kept.read(index);
    if (one === undefined) {
      const { alpha } = experiment;
      const { base, injected } = await inject(examined.model, prompt, layers, vectorOf, alpha, options);
      one = { base, patched: layers.map((layer) => injected.get(layer)!) };
      await kept.write(index, one);
    }
    found.set(index, one);
  }
  return found;
}
