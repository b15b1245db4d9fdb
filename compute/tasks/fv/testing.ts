import { readTargets } from '../../model/engine/read-targets.ts';
import type { Model } from '../../model/index.ts';
import type { FvModel } from './sweep/readings.ts';

/** A model in this thread, for tests. */
export function modelHere(model: Model): FvModel {
  const before = async (prefix: readonly number[] = []) => ({ prefix: await model.prefill(prefix) });
  return {
    info: model.info,
    forward: async ({ prefix, batches }, onResult) => {
      const behind = await before(prefix);
      for (const batch of batches) await onResult(await model.forward(batch, behind));
    },
    readTargets: async ({ prefix, batches }, onReadings) => {
      const behind = await before(prefix);
      for (const batch of batches) await onReadings(await readTargets(model, batch, behind));
    },
  };
}
