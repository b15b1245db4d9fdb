import type { ModelInfo } from '../../compute/model/index.ts';
import { cleanMeans } from '../../compute/tasks/fv/sweep/clean-means.ts';
import { headsOf, sweepTrials } from '../../compute/tasks/fv/sweep/head-sweep.ts';
import type { FvModel, RunOptions, TrialSweep } from '../../compute/tasks/fv/sweep/readings.ts';
import { CountingModel, type Work } from './counting-model.ts';
import type { Prompts } from './fv-prompts.ts';
import type { LlamaShape } from './random-llama.ts';

const MEMORY = 2 ** 30;
export const FAST: RunOptions = { limits: { memoryBytes: MEMORY } };
export const REFERENCE: RunOptions = { ...FAST, reference: true };

/** What is measured: the clean means, then the sweep over all heads. */
export async function sweep(
  model: FvModel,
  { clean, corrupted }: Prompts,
  options: RunOptions,
): Promise<TrialSweep[]> {
  const means = await cleanMeans(model, clean, options);
  return sweepTrials(model, corrupted, means, headsOf(model.info), options);
}

/** What a sweep asks of a model of these sizes. @param bytes of a weight */
export async function countedSweep(
  info: ModelInfo,
  prompts: Prompts,
  options: RunOptions,
  bytes: number,
): Promise<Work> {
  const model = new CountingModel(info);
  await sweep(model, prompts, options);
  return model.work(bytes);
}

/** What a model of these sizes would say of itself. */
export function infoOf({
  layers,
  heads,
  keyValueHeads,
  headDim,
  mlpWidth,
  vocabulary,
}: LlamaShape): ModelInfo {
  return {
    modelType: 'llama',
    provider: 'cpu',
    compute: 'float32',
    graphVersion: 0,
    layers,
    heads,
    keyValueHeads,
    headDim,
    hidden: heads * headDim,
    mlpWidth,
    vocabulary,
    contextLength: 131_072,
    taps: { residual: [], heads: Array.from({ length: layers }, (_, layer) => layer) },
  };
}
