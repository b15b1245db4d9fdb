import { PythonRandom } from '../../python/random.ts';
import type { TokenizedTrial } from '../artifacts/experiment.ts';
import { type HeadSpaceEffect, headSpaceEvaluation } from '../artifacts/injection-files.ts';
import { mean, populationDeviation } from '../scores/moments.ts';
import { vectorsByLayer } from '../vectors/function-vector.ts';
import { layersOf, put, type StageContext } from './context.ts';
import { readInjections } from './read-injections.ts';
import type { SweepResult } from './sweep.ts';
import type { VectorResult } from './vectors.ts';

/** Trials on which the contract's `stepE_eval.json` is made. */
const TRIALS = 20;

/** `stepE_eval.json`, where vectors of heads are as wide as the residual stream. */
export async function headSpaceStage(
  context: StageContext,
  trials: readonly TokenizedTrial[],
  { means, basis }: SweepResult,
  { top }: VectorResult,
): Promise<void> {
  const { experiment, subset, examined } = context;
  const { info } = examined.model;
  if (info.heads * info.headDim !== info.hidden) return;
  const layers = layersOf(context).filter((layer) => subset.layers?.includes(layer) ?? true);
  const vectors = vectorsByLayer(means, info, top, layers);
  const drawn = Array.from({ length: TRIALS }, (_, i) =>
    new PythonRandom(experiment.seed + i).randrange(trials.length),
  );
  const prompts = new Map([...new Set(drawn)].map((index) => [index, trials[index]!.prompt]));
  const readings = await readInjections(context, {
    stage: 'head-space',
    prompts,
    layers,
    vectors: [(layer) => vectors.get(layer)!],
    basis: [basis, experiment.alpha, top.map(({ layer, head }) => [layer, head])],
  });
  const logits = layers.map((_, at) =>
    drawn.map((index) => {
      const { base, patched } = readings.get(index)!;
      return patched[at]!.logit - base.logit;
    }),
  );
  const effect = (values: readonly number[]) => ({
    mean: mean(values),
    std: populationDeviation(values),
    anyNonzero: values.some((value) => Math.abs(value) > 1e-12),
  });
  const perLayer = layers.map((layer, at): HeadSpaceEffect => ({ layer, ...effect(logits[at]!) }));
  const trialMajor = drawn.flatMap((_, trial) => logits.map((values) => values[trial]!));
  await put(
    context,
    'stepE_eval.json',
    headSpaceEvaluation(experiment, perLayer, effect(trialMajor), TRIALS),
  );
}
