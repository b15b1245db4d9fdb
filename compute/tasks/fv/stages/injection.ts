import { isInjectionScore } from '../../../../ingest/families/fv/injection-scores.ts';
import { bestLayer } from '../../../../ingest/families/fv/ranking.ts';
import type { TokenizedTrial } from '../artifacts/experiment.ts';
import {
  type LayerInjection,
  layerDirectory,
  layerFiles,
  layersSummary,
} from '../artifacts/injection-files.ts';
import { zeroShotTrials } from '../artifacts/trial-documents.ts';
import { fingerprintOf } from '../checkpoints.ts';
import { norm } from '../sweep/clean-means.ts';
import { layersOf, put, type StageContext } from './context.ts';
import { extractionSet, injectionsOf } from './example-set.ts';
import { readInjections } from './read-injections.ts';
import type { VectorResult } from './vectors.ts';

/** The function vector after each layer, on zero-shot prompts. */
export async function injectionStage(
  context: StageContext,
  trials: readonly TokenizedTrial[],
  { top, vector }: VectorResult,
): Promise<LayerInjection[]> {
  const { experiment, examined } = context;
  await put(context, 'sampled_trials_zeroshot.json', zeroShotTrials(experiment, trials));
  const set = extractionSet(context, trials);
  const layers = layersOf(context);
  const readings = await readInjections(context, {
    stage: 'injection',
    prompts: set.prompts,
    layers,
    vectors: [() => vector],
    basis: [examined.identity, [...set.prompts.values()], fingerprintOf([...vector]), experiment.alpha],
  });
  const injections = injectionsOf(context, set, readings, layers);
  const facts = { experiment, heads: top, sizes: examined.model.info, norm: norm(vector) };
  for (const injection of injections) {
    for (const [name, text] of layerFiles(facts, injection)) {
      await put(context, `${layerDirectory(injection.layer)}/${name}`, text);
    }
  }
  const { scoreKey } = experiment;
  const best = isInjectionScore(scoreKey)
    ? bestLayer(injections.map(({ layer, scores }) => [layer, scores[scoreKey]] as const))
    : undefined;
  await put(context, 'step6/step6_all_layers_summary.json', layersSummary(experiment, injections, best));
  return injections;
}
