import { fingerprintOf } from '../checkpoints.ts';
import type { Attempt, TrialSweep } from '../sweep/readings.ts';
import type { PromptTokens } from '../trials/targets.ts';
import { inject, type VectorOfLayer } from '../vectors/inject.ts';
import { attemptOf } from './attempt.ts';
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
  readonly read: (prompts: readonly PromptTokens[], attempt: Required<Attempt>) => Promise<TrialSweep[]>;
}

/** The readings by prompt, those that an earlier attempt has left included. */
export async function readPrompts(
  context: StageContext,
  { stage, prompts, width, basis, read }: ReadingPlan,
): Promise<Map<number, TrialSweep>> {
  const { options } = context;
  const kept = checkpointsOf(context, stage, fingerprintOf(stage, basis, options.reference));
  const indices = [...prompts.keys()];
  const attempt = await attemptOf(context, kept, { stage, indices, width });
  const sweeps = await read([...prompts.values()], attempt);
  return new Map(indices.map((index, at) => [index, sweeps[at]!]));
}

/** Reads prompts that cannot be read together. */
export function oneByOne(read: (prompt: PromptTokens) => Promise<TrialSweep>): ReadingPlan['read'] {
  return async (prompts, { known, onBatch }) => {
    const sweeps: TrialSweep[] = [];
    for (const [at, prompt] of prompts.entries()) {
      const sweep = known[at] ?? (await read(prompt));
      if (known[at] === undefined) await onBatch(new Map([[at, sweep]]));
      sweeps.push(sweep);
    }
    return sweeps;
  };
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
    read: (prompts, attempt) =>
      inject(examined.model, prompts, layers, vectors, experiment.alpha, options, attempt),
  });
}
