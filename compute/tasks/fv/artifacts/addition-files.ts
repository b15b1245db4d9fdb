import type { QuerySet } from '../../../../ingest/contracts/fv/additions.ts';
import { float, floats, type PythonValue, pythonJson } from '../../python/json.ts';
import type { HeadAttribution } from '../scores/attribution.ts';
import { mean } from '../scores/moments.ts';
import { norm } from '../sweep/clean-means.ts';
import type { EvaluatedVector } from '../vectors/evaluated-vector.ts';
import { additionsRecord, type Experiment, samplingOf } from './experiment.ts';
import { exampleRows, type LayerInjection } from './injection-files.ts';

/** What a vector does to one set of examples, layer by layer. */
export interface Evaluation {
  readonly querySet: QuerySet;
  readonly vector: EvaluatedVector;
  readonly injections: readonly LayerInjection[];
}

/** What a vector is, in a row of its own as in each of its results. */
function originOf({ kind, draw, sourceQId }: EvaluatedVector): Record<string, PythonValue> {
  return { vector_kind: kind, draw, source_q_id: sourceQId };
}

function headPairs({ heads }: EvaluatedVector): PythonValue {
  return heads.map(({ layer, head }) => [layer, head]);
}

/** `runlake/settings.json`: what was asked for, on how many examples, and which vectors were evaluated. */
export function additionSettings(
  experiment: Experiment,
  examples: Readonly<Record<QuerySet, number>>,
  vectors: readonly EvaluatedVector[],
): string {
  const { qId, model, modelType, seed, alpha, createdAt } = experiment;
  return pythonJson(
    {
      q_id: qId,
      model,
      model_spec: modelType,
      seed,
      alpha: float(alpha),
      additions: additionsRecord(experiment),
      ...samplingOf(experiment),
      n_eval: { ...examples },
      vectors: vectors.map((vector) => ({
        ...originOf(vector),
        fv_norm: float(norm(vector.values)),
        heads: headPairs(vector),
      })),
      generated_at: createdAt,
    },
    2,
  );
}

/** The lines of `runlake/injections.jsonl`. */
export function* injectionLines(
  experiment: Experiment,
  evaluations: readonly Evaluation[],
): Generator<string> {
  const { alpha, evalExamples, seed, model } = experiment;
  for (const { vector, injection, place } of layersOf(experiment, evaluations)) {
    yield line({
      ...place,
      n_eval: injection.examples.length,
      requested_n_eval: evalExamples,
      alpha: float(alpha),
      fv_norm: float(norm(vector.values)),
      seed,
      model,
      ...samplingOf(experiment),
      ...floats(injection.scores),
    });
  }
}

/** The lines of `runlake/injection_trials.jsonl`. */
export function* injectionTrialLines(
  experiment: Experiment,
  evaluations: readonly Evaluation[],
): Generator<string> {
  for (const { injection, place } of layersOf(experiment, evaluations)) {
    for (const row of exampleRows(injection)) yield line({ ...row, ...place });
  }
}

/** Each vector at each layer, and what tells it apart from the others. */
function* layersOf(
  { qId }: Experiment,
  evaluations: readonly Evaluation[],
): Generator<{
  readonly vector: EvaluatedVector;
  readonly injection: LayerInjection;
  readonly place: Record<string, PythonValue>;
}> {
  for (const { querySet, vector, injections } of evaluations) {
    for (const injection of injections) {
      const { layer } = injection;
      yield {
        vector,
        injection,
        place: { q_id: qId, query_set: querySet, ...originOf(vector), layer },
      };
    }
  }
}

/** The lines of `runlake/head_attribution.jsonl`: means over the trials, and every trial with its sign. */
export function* attributionLines(
  experiment: Experiment,
  heads: readonly HeadAttribution[],
): Generator<string> {
  for (const { layer, head, corrupted, clean } of heads) {
    yield line({
      q_id: experiment.qId,
      layer,
      head,
      ...samplingOf(experiment),
      dla: float(mean(corrupted)),
      dla_clean: float(mean(clean)),
      trials: { corrupted: corrupted.map(float), clean: clean.map(float) },
    });
  }
}

function line(record: Record<string, PythonValue>): string {
  return `${pythonJson(record)}\n`;
}
