import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../ingest/contracts/json-value.ts';
import { promptHash } from '../../../ingest/families/hallulens/identity.ts';
import { parseJson } from '../../../ingest/run-files/json-text.ts';
import type { EngineValue, LakeSnapshot } from '../../../lake/engine/types.ts';
import type { Lake } from '../../../lake/lake.ts';
import { GENERATIONS, PREDICTIONS, RUN_STORES, RUNS } from '../../../lake/tables/tables.ts';
import { PermanentTaskError } from '../../jobs/worker.ts';
import { writtenOnce } from '../contract-run/provenance.ts';
import { number, queryRows, text, textOrNull } from '../query.ts';
import { answersOf } from '../source/answers.ts';
import { jobPrefix, type TaskServices } from '../task.ts';

/** A response that is to be labelled. */
export interface SourceExample {
  readonly exampleId: string;
  readonly activationKey: string;
  /** Undefined where the run does not say. */
  readonly split: string | undefined;
  readonly prompt: string;
  readonly response: string;
  readonly question: string;
  readonly answers: readonly string[];
  readonly reference: JsonObject | undefined;
  readonly halu: boolean | null;
  readonly labelSource: string | null;
  readonly generationParams: JsonObject;
  readonly extra: JsonObject;
  /** Undefined where the run does not score the example. */
  readonly score: number | undefined;
}

/** The run whose responses are evaluated. */
export interface SourceRun {
  readonly runId: string;
  readonly snapshot: string;
  readonly method: string;
  readonly modelId: string;
  readonly benchmark: string;
  readonly split: string;
  readonly seed: number;
  readonly config: JsonObject;
  /** Where its activation store is; undefined when it has none. */
  readonly storeUri: string | undefined;
  readonly storeFormat: string | undefined;
  readonly examples: readonly SourceExample[];
}

/**
 * Reads a run from the lake, in the state in which the first attempt of the job found it.
 * @throws PermanentTaskError when there is no such run, or it has no responses
 */
export async function sourceRun(
  runId: string,
  answerColumn: string | undefined,
  jobId: string,
  { lake, store }: Pick<TaskServices, 'lake' | 'store'>,
  signal: AbortSignal,
): Promise<SourceRun> {
  const schema = z.object({ snapshot: z.string() });
  const pinned = await writtenOnce(store, `${jobPrefix(jobId)}/source.json`, schema, signal, async () => ({
    snapshot: (await lake.snapshot({}, { signal })).token,
  }));
  const snapshot = await lake.snapshot(pinned, { signal });
  const prune = [{ column: 'run_id', in: [runId] }];
  const options = { params: [runId], signal };
  const [run] = await queryRows(
    lake,
    snapshot,
    [{ table: RUNS.name, prune }],
    ([runs]) => `SELECT method, model_id, benchmark, split, seed, config FROM ${runs} WHERE run_id = $1`,
    options,
  );
  if (run === undefined)
    throw new PermanentTaskError('RUN_NOT_FOUND', `there is no run ${runId} in the lake`);
  const [stored] = await queryRows(
    lake,
    snapshot,
    [{ table: RUN_STORES.name, prune }],
    ([stores]) => `SELECT uri, format FROM ${stores} WHERE run_id = $1 ORDER BY store_id`,
    options,
  );
  const examples = await sourceExamples(runId, answerColumn, lake, snapshot, signal);
  if (examples.length === 0)
    throw new PermanentTaskError('NO_RESPONSES', `the run ${runId} has no responses to evaluate`);
  return {
    runId,
    snapshot: pinned.snapshot,
    method: textOrNull(run['method']) ?? 'unscored',
    modelId: textOrNull(run['model_id']) ?? 'unknown',
    benchmark: textOrNull(run['benchmark']) ?? 'unknown',
    split: textOrNull(run['split']) ?? examples[0]!.split ?? 'unknown',
    // The contract wants a seed of every run; methods without one have none.
    seed: run['seed'] === null ? 0 : number(run['seed']),
    config: objectOf(run['config']) ?? {},
    storeUri: textOrNull(stored?.['uri']) ?? undefined,
    storeFormat: textOrNull(stored?.['format']) ?? undefined,
    examples,
  };
}

async function sourceExamples(
  runId: string,
  answerColumn: string | undefined,
  lake: Lake,
  snapshot: LakeSnapshot,
  signal: AbortSignal,
): Promise<SourceExample[]> {
  const prune = [{ column: 'run_id', in: [runId] }];
  const rows = await queryRows(
    lake,
    snapshot,
    [
      { table: GENERATIONS.name, prune },
      { table: PREDICTIONS.name, prune },
    ],
    ([generations, predictions]) => `
      SELECT g.example_id, g.activation_key, g.split, g.prompt, g.response, g.reference, g.halu, g.label_source,
        g.generation_params, g.extra, p.score_halu
      FROM ${generations} g LEFT JOIN ${predictions} p ON p.run_id = g.run_id AND p.example_id = g.example_id
      WHERE g.run_id = $1 AND g.response IS NOT NULL ORDER BY g.source_line, g.example_id`,
    { params: [runId], signal },
  );
  return rows.map((row) => {
    const reference = jsonOf(row['reference']);
    const references = isJsonObject(reference) ? reference : undefined;
    const extra = objectOf(row['extra']) ?? {};
    const source = isJsonObject(extra['source']) ? extra['source'] : {};
    const prompt = text(row['prompt']);
    const places = [
      // A bare text or list is the answer itself.
      references ?? (reference === undefined ? {} : { answer: reference }),
      extra,
      source,
    ];
    const answers = places.map((place) => answersOf(place, answerColumn)).find((found) => found.length > 0);
    const question = places.map((place) => place['question']).find((found) => typeof found === 'string');
    const { halu, score_halu: score } = row;
    return {
      exampleId: text(row['example_id']),
      activationKey: textOrNull(row['activation_key']) ?? promptHash(prompt),
      split: textOrNull(row['split']) ?? undefined,
      prompt,
      response: text(row['response']),
      question: question ?? prompt,
      answers: answers ?? [],
      reference: references ?? (answers === undefined ? undefined : { answers }),
      halu: typeof halu === 'boolean' ? halu : null,
      labelSource: textOrNull(row['label_source']),
      generationParams: objectOf(row['generation_params']) ?? {},
      extra,
      score: typeof score === 'number' && !Number.isNaN(score) ? score : undefined,
    };
  });
}

function jsonOf(value: EngineValue | undefined): JsonValue | undefined {
  return typeof value === 'string' ? parseJson(value) : undefined;
}

function objectOf(value: EngineValue | undefined): JsonObject | undefined {
  const parsed = jsonOf(value);
  return isJsonObject(parsed) ? parsed : undefined;
}
