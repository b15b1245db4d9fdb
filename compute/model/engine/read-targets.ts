import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { Batch } from './batch.ts';
import type { Model } from './model.ts';
import type { Operation } from './operations.ts';

/** What the model says of each row's next token, in the order of the rows. */
export interface TargetReadings {
  /** Of the row's target. */
  readonly logit: Float32Array;
  readonly logProbability: Float32Array;
  readonly probability: Float32Array;
  /** The most probable token, the lowest of equals. */
  readonly best: Int32Array;
}

export interface ReadTargetsRequest {
  /** Tokens before the rows: each prefix before an equal part of every batch. Default: none. */
  readonly prefixes?: readonly (readonly number[])[];
  readonly batches: readonly Batch[];
}

/**
 * Runs batches whose rows have one target each; an event a batch, in order. Logits stay in the graph: a sweep over the
 * heads of a model with a large vocabulary would make gigabytes of them.
 */
export const readTargetsOperation: Operation<ReadTargetsRequest, TargetReadings, void> = {
  async run({ prefixes, batches }, context) {
    const before = prefixes === undefined ? {} : { prefix: await context.model.prefill(...prefixes) };
    for (const batch of batches) {
      context.signal.throwIfAborted();
      await context.emit(await readTargets(context.model, batch, before));
    }
  },
};

/** One batch of `readTargetsOperation`. @throws InvalidArgumentError a row has not one target */
export async function readTargets(
  model: Pick<Model, 'forward'>,
  batch: Batch,
  before: Parameters<Model['forward']>[1] = {},
): Promise<TargetReadings> {
  for (const [row, { targets: { length } = [] }] of batch.rows.entries()) {
    if (length === 1) continue;
    throw new InvalidArgumentError(`row ${row} has ${length === 0 ? 'no' : 'several'} targets`, {
      expected: 'one',
    });
  }
  const read = await model.forward({ ...batch, capture: { best: true } }, before);
  const logProbability = read.logProbabilities!.data;
  return {
    logit: read.targetLogits!.data,
    logProbability,
    probability: logProbability.map(Math.exp),
    best: Int32Array.from(read.best!.data),
  };
}
