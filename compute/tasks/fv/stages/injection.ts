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
import { injectionScores } from '../scores/injection-scores.ts';
import { norm } from '../sweep/clean-means.ts';
import { promptTokens } from '../trials/targets.ts';
import { zeroShotExamples } from '../trials/zero-shot.ts';
import { layersOf, put, type StageContext } from './context.ts';
import { readInjections } from './read-injections.ts';
import type { VectorResult } from './vectors.ts';

/** The function vector after each layer, on zero-shot prompts. */
export async function injectionStage(
  context: StageContext,
  trials: readonly TokenizedTrial[],
  { top, vector }: VectorResult,
): Promise<void> {
  const { experiment, examined } = context;
  const { model, tokenizer, identity } = examined;
  await put(context, 'sampled_trials_zeroshot.json', zeroShotTrials(experiment, trials));
  const drawn = trials.map(({ trial }) => trial);
  const sources = zeroShotExamples(drawn, { seed: experiment.seed, count: experiment.evalExamples });
  const prompts = sources.map(({ prompt, output }) => promptTokens(tokenizer, prompt, output));
  const layers = layersOf(context);
  const read = await readInjections(context, {
    stage: 'injection',
    prompts: new Map(prompts.entries()),
    layers,
    vectorOf: () => vector,
    basis: [identity, prompts, fingerprintOf([...vector]), experiment.alpha],
  });
  const injections = layers.map((layer, at): LayerInjection => {
    const examples = sources.map((source, i) => {
      const { target } = prompts[i]!;
      const { base, patched } = read.get(i)!;
      return { source, target, targetToken: tokenizer.tokenName(target), base, with: patched[at]! };
    });
    return { layer, examples, scores: injectionScores(examples) };
  });
  const facts = { experiment, heads: top, sizes: model.info, norm: norm(vector) };
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
}
