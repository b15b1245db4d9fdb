import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { Batch, Row } from './batch.ts';
import type { Model } from './model.ts';
import type { ForwardRequest, Operation } from './operations.ts';

/** What the model says of each row's next token, in the order of the rows. */
export interface TargetReadings {
  /** Of the row's target. */
  readonly logit: Float32Array;
  readonly logProbability: Float32Array;
  readonly probability: Float32Array;
  /** The most probable token, the lowest of equals. */
  readonly best: Int32Array;
}

/**
 * Runs batches whose rows have one target each; an event a batch, in order. Logits stay in the model's process: a sweep
 * over the heads of a model with a large vocabulary would send gigabytes of them.
 */
export const readTargetsOperation: Operation<ForwardRequest, TargetReadings, void> = {
  async run({ prefix, batches }, context) {
    const before = prefix === undefined ? {} : { prefix: await context.prefix(prefix) };
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
  const targets = batch.rows.map(({ targets: [target, ...more] = [] }, row) => {
    if (target !== undefined && more.length === 0) return target;
    throw new InvalidArgumentError(`row ${row} has ${target === undefined ? 'no' : 'several'} targets`, {
      expected: 'one',
    });
  });
  // Everything is read off the logits; the graph need not take their logarithms.
  const rows = batch.rows.map(({ targets: _, ...row }): Row => row);
  const { logits } = await model.forward({ ...batch, rows, capture: { logits: true } }, before);
  const [count = 0, vocabulary = 0] = logits?.shape ?? [];
  const readings = {
    logit: new Float32Array(count),
    logProbability: new Float32Array(count),
    probability: new Float32Array(count),
    best: new Int32Array(count),
  };
  for (let row = 0; row < count; row++) {
    const values = logits!.data.subarray(row * vocabulary, (row + 1) * vocabulary);
    const target = targets[row]!;
    if (target < 0 || target >= vocabulary) {
      throw new InvalidArgumentError(`row ${row}: target ${target}`, { expected: `0 to ${vocabulary - 1}` });
    }
    let best = 0;
    for (let token = 1; token < vocabulary; token++) if (values[token]! > values[best]!) best = token;
    let sum = 0;
    for (const value of values) sum += Math.exp(value - values[best]!);
    const logProbability = values[target]! - values[best]! - Math.log(sum);
    readings.logit[row] = values[target]!;
    readings.logProbability[row] = logProbability;
    readings.probability[row] = Math.exp(logProbability);
    readings.best[row] = best;
  }
  return readings;
}
