import {
  additionSettings,
  type Evaluation,
  injectionLines,
  injectionTrialLines,
} from '../artifacts/addition-files.ts';
import type { TokenizedTrial } from '../artifacts/experiment.ts';
import { fingerprintOf } from '../checkpoints.ts';
import { distribute } from '../vectors/distribute.ts';
import type { EvaluatedVector } from '../vectors/evaluated-vector.ts';
import { layersOf, put, putLines, type StageContext } from './context.ts';
import { controlVectors } from './control-vectors.ts';
import { type ExampleSet, extractionSet, heldOutSet, injectionsOf } from './example-set.ts';
import { oneByOne, readInjections, readPrompts } from './read-injections.ts';
import type { SweepResult } from './sweep.ts';
import type { VectorResult } from './vectors.ts';

/**
 * What the contract does not ask for: controls, held-out examples and the distributed vector, in `runlake/`. Its readings are apart from
 * the contract's, whose files are the same with and without them.
 */
export async function evaluationStage(
  context: StageContext,
  trials: readonly TokenizedTrial[],
  swept: SweepResult,
  vectors: VectorResult,
): Promise<Evaluation[]> {
  const { experiment } = context;
  const { heldOut, randomVectors, randomHeads, otherQuery, distributed } = experiment.additions;
  if (heldOut + randomVectors + randomHeads === 0 && !otherQuery && !distributed) return [];
  const own: EvaluatedVector = {
    kind: 'function_vector',
    draw: null,
    sourceQId: experiment.qId,
    heads: vectors.top,
    values: vectors.vector,
  };
  const controls = await controlVectors(context, swept, vectors);
  const extraction = extractionSet(context, trials);
  const held = heldOut === 0 ? undefined : heldOutSet(context, trials);
  const evaluations = [
    // The contract's own stage has evaluated the vector on these.
    ...(await evaluate(context, extraction, controls)),
    ...(held === undefined ? [] : await evaluate(context, held, [own, ...controls])),
  ];
  if (distributed) {
    for (const set of [extraction, ...(held === undefined ? [] : [held])]) {
      evaluations.push(await evaluateDistributed(context, set, swept, vectors));
    }
  }
  const counts = { extraction: extraction.prompts.size, held_out: held?.prompts.size ?? 0 };
  await put(context, 'runlake/settings.json', additionSettings(experiment, counts, [own, ...controls]));
  await putLines(context, 'runlake/injection_trials.jsonl', injectionTrialLines(experiment, evaluations));
  await putLines(context, 'runlake/injections.jsonl', injectionLines(experiment, evaluations));
  return evaluations;
}

/** Vectors after each layer, all of them as rows of the same batches. */
async function evaluate(
  context: StageContext,
  set: ExampleSet,
  vectors: readonly EvaluatedVector[],
): Promise<Evaluation[]> {
  if (vectors.length === 0) return [];
  const { examined, experiment } = context;
  const layers = layersOf(context);
  const hashes = vectors.map(({ values }) => fingerprintOf([...values]));
  const readings = await readInjections(context, {
    stage: `injection-${set.querySet}`,
    prompts: set.prompts,
    layers,
    vectors: vectors.map(
      ({ values }) =>
        () =>
          values,
    ),
    basis: [examined.identity, [...set.prompts.values()], hashes, experiment.alpha],
  });
  return vectors.map((vector, i) => ({
    querySet: set.querySet,
    vector,
    injections: injectionsOf(context, set, readings, layers, i * layers.length),
  }));
}

/** The mean of each chosen head at its own layer. There is one reading a prompt, which counts for the last of the layers. */
async function evaluateDistributed(
  context: StageContext,
  set: ExampleSet,
  { means, basis }: SweepResult,
  { top, vector }: VectorResult,
): Promise<Evaluation> {
  const { examined, experiment, options } = context;
  const { alpha, qId } = experiment;
  const heads = top.map(({ layer, head }) => ({ layer, head }));
  const readings = await readPrompts(context, {
    stage: `distributed-${set.querySet}`,
    prompts: set.prompts,
    width: 1,
    basis: [basis, [...set.prompts.values()], heads, alpha],
    read: oneByOne((prompt) => distribute(examined.model, prompt, heads, means, alpha, options)),
  });
  const last = Math.max(...heads.map(({ layer }) => layer));
  return {
    querySet: set.querySet,
    vector: { kind: 'distributed', draw: null, sourceQId: qId, heads, values: vector },
    injections: injectionsOf(context, set, readings, [last]),
  };
}
