import type { Row } from '../../../lake/tables/schema.ts';
import { GENERATIONS } from '../../../lake/tables/tables.ts';
import {
  sampledTrialSchema,
  sampledTrialsSchema,
  zeroShotTrialSchema,
} from '../../contracts/fv/sampled-trials.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import { extraJson, jsonText } from '../../run-files/json-text.ts';
import { BATCH } from './heads.ts';
import { type FvRun, readDocument, report } from './run.ts';
import { validated } from './validated.ts';

/** Columns of `generations` that are the same for every row of a run. */
export interface RunIdentity {
  readonly benchmark: string | null;
  readonly modelId: string | null;
  readonly seed: number | bigint | null;
}

/** `example_id` of a trial of the head sweep. */
export function trialExampleId(qId: string | null, trial: number): string {
  return `${qId ?? 'all'}/trial/${trial}`;
}

/** The trials that were sampled. */
export interface SampledTrials {
  readonly meta: JsonObject | undefined;
  readonly zeroShotMeta: JsonObject | undefined;
  /** Trial ids that `example_id`s name; undefined when the file is absent or cannot be read. */
  readonly exampleIds: ReadonlySet<string> | undefined;
}

/** Members of a trial that have columns of their own. */
const IN_COLUMNS: ReadonlySet<string> = new Set(['corrupted_prompt_str', 'q_id']);

function metaOf(document: JsonObject | undefined): JsonObject | undefined {
  const meta = document?.['meta'];
  return isJsonObject(meta) ? meta : undefined;
}

function trialsOf(run: FvRun, document: JsonObject | undefined, file: string): JsonValue[] {
  if (document === undefined) return [];
  const valid = validated(sampledTrialsSchema, document, { file }, (issue) => report(run, issue));
  const trials = document['trials'];
  return valid !== undefined && Array.isArray(trials) ? trials : [];
}

/** The zero-shot trials by trial, as recorded: the queries of the sampled ones without demonstrations. */
function zeroShotTrials(run: FvRun, document: JsonObject | undefined, file: string): Map<string, JsonObject> {
  const byTrial = new Map<string, JsonObject>();
  for (const [i, trial] of trialsOf(run, document, file).entries()) {
    const data = validated(zeroShotTrialSchema, trial, { file }, (issue) =>
      run.log.record({ ...issue, pointer: `/trials/${i}${issue.pointer ?? ''}` }),
    );
    if (data !== undefined && isJsonObject(trial))
      byTrial.set(trialExampleId(data.q_id ?? run.qId, data.trial_idx), trial);
  }
  return byTrial;
}

/**
 * Reads `sampled_trials.json` and its zero-shot twin. A trial becomes a row of `generations`: the prompt is the
 * corrupted one (in which heads are patched), the reference the target; everything else is in `extra`, the zero-shot
 * trial under `zero_shot`. No response was generated.
 */
export async function readSampledTrials(run: FvRun, identity: RunIdentity): Promise<SampledTrials> {
  const file = run.layout.first('trials');
  const zeroShotFile = run.layout.first('zero-shot');
  const document = await readDocument(run, file);
  const zeroShotDocument = await readDocument(run, zeroShotFile);
  const zeroShot = zeroShotTrials(run, zeroShotDocument, zeroShotFile ?? '');
  const found = {
    meta: metaOf(document),
    zeroShotMeta: metaOf(zeroShotDocument),
  };
  const exampleIds = new Set<string>();
  const trials = trialsOf(run, document, file ?? '');
  let rows: Row[] = [];
  for (const [i, trial] of trials.entries()) {
    const pointer = `/trials/${i}`;
    const data = validated(sampledTrialSchema, trial, { file: file ?? '' }, (issue) =>
      run.log.record({ ...issue, pointer: `${pointer}${issue.pointer ?? ''}` }),
    );
    if (data === undefined || !isJsonObject(trial)) continue;
    const qId = data.q_id ?? run.qId;
    const exampleId = trialExampleId(qId, data.trial_idx);
    if (exampleIds.has(exampleId)) {
      const message = `trial ${data.trial_idx} occurs again; the first one counts`;
      run.log.record({ code: 'DUPLICATE_TRIAL', file: file ?? '', pointer, message });
      continue;
    }
    exampleIds.add(exampleId);
    const twin = zeroShot.get(exampleId);
    zeroShot.delete(exampleId);
    if (twin !== undefined && !sameQuery(twin, trial)) {
      const message = `trial ${data.trial_idx} asks for something else here than in ${file}`;
      run.log.warn({ code: 'ZERO_SHOT_MISMATCH', file: zeroShotFile ?? '', message });
    }
    rows.push({
      example_id: exampleId,
      benchmark: identity.benchmark,
      split: qId,
      seed: identity.seed,
      model_id: identity.modelId,
      prompt: data.corrupted_prompt_str,
      reference: jsonText({
        answer: data.target_str,
        first_token_id: data.target_first_token_id,
      }),
      extra: extraJson({ ...trial, ...(twin === undefined ? {} : { zero_shot: twin }) }, IN_COLUMNS),
    });
    if (rows.length === BATCH) {
      await run.sink.rows(GENERATIONS, rows);
      rows = [];
    }
  }
  if (rows.length > 0) await run.sink.rows(GENERATIONS, rows);
  if (zeroShotFile !== undefined && zeroShot.size > 0) {
    const message = `${zeroShot.size} zero-shot trials have no trial in ${file ?? 'sampled_trials.json'}`;
    run.log.warn({ code: 'ZERO_SHOT_MISMATCH', file: zeroShotFile, message });
  }
  const promised = asNumber(found.meta?.['n_trials']);
  if (promised !== undefined && promised !== trials.length && document !== undefined) {
    const message = `n_trials is ${promised}; there are ${trials.length}`;
    run.log.warn({ code: 'TRIALS_SHORT', file: file ?? '', pointer: '/meta/n_trials', message });
  }
  return { ...found, exampleIds: document === undefined ? undefined : exampleIds };
}

function sameQuery(a: JsonObject, b: JsonObject): boolean {
  return (
    a['target_str'] === b['target_str'] &&
    a['target_first_token_id'] === b['target_first_token_id'] &&
    jsonText(a['query'] ?? null) === jsonText(b['query'] ?? null)
  );
}
