import { z } from 'zod';
import type { TrainingSettings } from './training.ts';

/** Members of a specification that say how a network is trained. */
export const trainingFields = {
  batchSize: z
    .int()
    .min(2)
    .max(65_536)
    .optional()
    .describe('Examples a step. Default: 512; of fewer than 4,096 an eighth of them, at least 32.'),
  epochs: z.int().min(1).max(100_000).default(100).describe('Passes over the training rows at most.'),
  minSteps: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(3000)
    .describe('Steps that are taken however few the epochs would have, unless patience ends.'),
  patience: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Epochs without an improvement on held-out prompts after which training ends. Default: a tenth of the epochs, at least 10.',
    ),
};

const trainingSchema = z.object(trainingFields);
const BATCH = { most: 512, least: 32, share: 1 / 8 } as const;
const PATIENCE = { least: 10, share: 1 / 10 } as const;

/** The settings with their defaults, for so many rows to learn from. */
export function settingsFor(
  given: z.infer<typeof trainingSchema>,
  rows: number,
  more: Pick<TrainingSettings, 'learningRate' | 'clip'>,
): TrainingSettings {
  const { epochs, minSteps } = given;
  const batchSize =
    given.batchSize ?? Math.min(BATCH.most, Math.max(BATCH.least, Math.floor(rows * BATCH.share)));
  const all = Math.max(epochs, Math.ceil(minSteps / Math.ceil(rows / batchSize)));
  const patience = given.patience ?? Math.max(PATIENCE.least, Math.ceil(all * PATIENCE.share));
  return { ...more, batchSize, epochs, minSteps, patience };
}

/** HalluLens's places in a model of 32 blocks, in one of another depth. */
export function scaledLayer(layer: number, last: number): number {
  return Math.round((layer / 32) * last);
}

/** The number of a list that is nearest to one, the smaller of equals. */
export function nearest(wanted: number, among: readonly number[]): number {
  return among.reduce(
    (best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best),
    among[0] ?? 0,
  );
}
