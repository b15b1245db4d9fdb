import { readTargets } from '../../model/engine/read-targets.ts';
import { Model, openCheckpoint, readOutputProjection, readUnembedding } from '../../model/index.ts';
import { Tokenizer } from '../../model/tokenizer/tokenizer.ts';
import { type OpenExperimentModel, usesSpecialTokens } from './open-model.ts';
import type { FvModel } from './sweep/readings.ts';
import { checkpointTokenizer } from './trials/checkpoint-tokenizer.ts';

/** A model in this thread, for tests. */
export function modelHere(model: Model): FvModel {
  return {
    info: model.info,
    forward: async ({ prefix, batches }, onResult) => {
      const behind = { prefix: await model.prefill(prefix ?? []) };
      for (const batch of batches) await onResult(await model.forward(batch, behind));
    },
    readTargets: async ({ prefixes = [[]], batches }, onReadings) => {
      const behind = { prefix: await model.prefill(...prefixes) };
      for (const batch of batches) await onReadings(await readTargets(model, batch, behind));
    },
  };
}

/** A checkpoint in this thread, loaded now, whatever model a job names. It is not closed. @param model of what `load` gave */
export async function openHere(
  path: string,
  wrap: (model: FvModel) => FvModel = (model) => model,
): Promise<OpenExperimentModel> {
  const model = await Model.load({ path, provider: 'cpu', threads: 1 });
  const tokenizer = await Tokenizer.load(path);
  const checkpoint = await openCheckpoint(path);
  return async (spec) => {
    const specialTokens = usesSpecialTokens(spec, model.info.modelType);
    return {
      model: wrap(modelHere(model)),
      tokenizer: checkpointTokenizer(tokenizer, specialTokens),
      identity: path,
      check: { verdict: 'passed', failed_checks: [], reason: null },
      specialTokens,
      projectionOf: (layer) => readOutputProjection(checkpoint, layer),
      unembeddingOf: (tokens) => readUnembedding(checkpoint, tokens),
      close: async () => {},
    };
  };
}
