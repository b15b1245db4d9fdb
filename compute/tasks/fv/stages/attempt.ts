import type { Checkpoints } from '../checkpoints.ts';
import type { Attempt, TrialSweep } from '../sweep/readings.ts';
import type { StageContext } from './context.ts';

/** Least time between two writings of what is known of prompts whose readings are not complete. */
const CHECKPOINT_MS = 5000;

/** The prompts of a stage by their checkpoints' numbers, and how many interventions each is read under. */
export interface AttemptWork {
  readonly stage: string;
  readonly indices: readonly number[];
  readonly width: number;
}

/** An attempt at the readings of a stage that goes on from checkpoints, writes them and tells its progress. */
export async function attemptOf(
  { progress }: StageContext,
  kept: Checkpoints,
  { stage, indices, width }: AttemptWork,
): Promise<Required<Attempt>> {
  const known: (TrialSweep | undefined)[] = [];
  for (const index of indices) known.push(await kept.read(index));
  const counts = known.map((sweep) => sweep?.patched.length ?? 0);
  const tell = () =>
    progress({ stage, done: counts.reduce((sum, count) => sum + count, 0), total: indices.length * width });
  let written = Date.now();
  tell();
  return {
    known,
    onBatch: async (sweeps) => {
      for (const [at, { patched }] of sweeps) counts[at] = patched.length;
      tell();
      const complete = [...sweeps.values()].every(({ patched }) => patched.length === width);
      if (!complete && Date.now() - written < CHECKPOINT_MS) return;
      await Promise.all([...sweeps].map(([at, sweep]) => kept.write(indices[at]!, sweep)));
      written = Date.now();
    },
  };
}
