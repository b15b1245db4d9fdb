import { fingerprintOf } from '../checkpoints.ts';
import type { TrialSweep } from '../sweep/head-sweep.ts';
import type { PromptTokens } from '../trials/targets.ts';
import { inject, type VectorOfLayer } from '../vectors/inject.ts';
import { checkpointsOf, type StageContext } from './context.ts';

/** Prompts to be read as they are and with interventions. */
export interface ReadingPlan {
  /** For the progress and for the checkpoints. */
  readonly stage: string;
  readonly prompts: ReadonlyMap<number, PromptTokens>;
  /** Interventions on each prompt. */
  readonly width: number;
  /** What the readings depend on: JSON values. */
  readonly basis: readonly unknown[];
  readonly read: (prompt: PromptTokens) => Promise<TrialSweep>;
}

/** The readings by prompt, those that an earlier attempt has left included. */
export async function readPrompts(
  context: StageContext,
  { stage, prompts, width, basis, read }: ReadingPlan,
): Promise<Map<number, TrialSweep>> {
  const { options, progress } = context;
  const kept = checkpointsOf(context, stage, fingerprintOf(stage, basis, options.reference));
  const found = new Map<number, TrialSweep>();
  for (const [index, prompt] of prompts) {
    let one = await kept.read(index);
    if (one === undefined) {
      one = await read(prompt);
      await kept.write(index, one);
    }
    found.set(index, one);
    progress({ stage, done: found.size * width, total: prompts.size * width });
  }
  return found;
}

/** Prompts to be read without and with vectors after each layer. */
export interface InjectionPlan extends Pick<ReadingPlan, 'stage' | 'prompts' | 'basis'> {
  readonly layers: readonly number[];
  readonly vectors: readonly VectorOfLayer[];
}

/** The readings by prompt; `patched` is vector by vector, in each layer by layer. */
export function readInjections(
  context: StageContext,
  { layers, vectors, basis, ...plan }: InjectionPlan,
): Promise<Map<number, TrialSweep>> {
  const { experiment, options, examined } = context;
  return readPrompts(context, {
    ...plan,
    basis: [basis, layers],
    width: layers.length * vectors.length,
    read: (prompt) => inject(examined.model, prompt, layers, vectors, experiment.alpha, options),
  });
}
