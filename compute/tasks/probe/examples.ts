import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import { isJsonObject } from '../../../ingest/contracts/json-value.ts';
import { parseJson } from '../../../ingest/run-files/json-text.ts';
import type { EngineValue, LakeSnapshot, SqlValue } from '../../../lake/engine/types.ts';
import type { Lake } from '../../../lake/lake.ts';
import { compareUtf8 } from '../../../lake/log/utf8-order.ts';
import { GENERATIONS, RUN_STORES, RUNS } from '../../../lake/tables/tables.ts';
import { PermanentTaskError } from '../../jobs/worker.ts';
import { queryRows, text, textOrNull } from '../query.ts';
import type { ProbeSpec, RunSelection } from './probe-spec.ts';

/** A run that examples come from. */
export interface SourceRunInfo {
  readonly runId: string;
  readonly modelId: string;
  readonly benchmark: string;
  readonly config: JsonObject;
  readonly stores: readonly {
    readonly id: string;
    readonly uri: string | undefined;
    readonly format: string;
  }[];
}

/** A labelled response. */
export interface ProbeExample {
  readonly run: SourceRunInfo;
  readonly exampleId: string;
  readonly activationKey: string;
  readonly split: string;
  readonly prompt: string;
  readonly response: string;
  readonly reference: JsonObject | undefined;
  readonly halu: boolean;
  readonly abstained: boolean | null;
  readonly labelSource: string;
  readonly generationParams: JsonObject;
  /** Belongs to the given test runs. */
  readonly isTest: boolean;
}

/** The examples of a probe, in an order that depends on nothing but themselves. */
export interface ProbeExamples {
  readonly runs: readonly SourceRunInfo[];
  readonly examples: readonly ProbeExample[];
  /** Left out, by reason. */
  readonly dropped: Readonly<Record<'abstained' | 'unlabelled' | 'duplicate', number>>;
}

/**
 * Reads the labelled examples that a probe is about.
 * @throws PermanentTaskError when there are none, or they are of several models
 */
export async function probeExamples(
  spec: Pick<ProbeSpec, 'runs' | 'testRuns' | 'abstentions'>,
  lake: Lake,
  snapshot: LakeSnapshot,
  signal: AbortSignal,
): Promise<ProbeExamples> {
  const runs = new Map<string, SourceRunInfo>();
  const found: ProbeExample[] = [];
  for (const [selection, isTest] of [
    [spec.runs, false],
    [spec.testRuns, true],
  ] as const) {
    if (selection === undefined) continue;
    const selected = await selectedRuns(selection, lake, snapshot, signal);
    for (const run of selected) runs.set(run.runId, run);
    found.push(...(await examplesOf(selected, selection.split, isTest, lake, snapshot, signal)));
  }
  const models = new Set([...runs.values()].map(({ modelId }) => modelId));
  if (models.size > 1) {
    const list = [...models].sort().join(', ');
    throw new PermanentTaskError('SEVERAL_MODELS', `the runs are of several models: ${list}; expected one`);
  }
  const dropped = { abstained: 0, unlabelled: 0, duplicate: 0 };
  // Tested examples first: one that is in both selections is tested on.
  const seen = new Set<string>();
  const kept = found
    .sort((a, b) => Number(b.isTest) - Number(a.isTest) || compare(a, b))
    .filter((example) => {
      const reason = reasonToDrop(example, spec.abstentions, seen);
      if (reason !== undefined) dropped[reason]++;
      return reason === undefined;
    });
  if (kept.length === 0) {
    const why = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`);
    throw new PermanentTaskError('NO_EXAMPLES', `the runs have no labelled responses (${why.join(', ')})`);
  }
  return { runs: [...runs.values()], examples: kept.sort(compare), dropped };
}

/** By key of the activations, so that reading them goes through the lake's files in order. */
function compare(a: ProbeExample, b: ProbeExample): number {
  return (
    compareUtf8(a.activationKey, b.activationKey) ||
    compareUtf8(a.run.runId, b.run.runId) ||
    compareUtf8(a.exampleId, b.exampleId)
  );
}

function reasonToDrop(
  { abstained, labelSource, run, activationKey }: ProbeExample,
  abstentions: ProbeSpec['abstentions'],
  seen: Set<string>,
): 'abstained' | 'unlabelled' | 'duplicate' | undefined {
  if (abstained === true && abstentions === 'drop') return 'abstained';
  if (labelSource === 'unlabelled') return 'unlabelled';
  // An evaluation has the responses and the activations of the run that it evaluates.
  const identity = `${run.stores[0]?.id}\n${activationKey}`;
  if (seen.has(identity)) return 'duplicate';
  seen.add(identity);
  return undefined;
}

async function selectedRuns(
  selection: RunSelection,
  lake: Lake,
  snapshot: LakeSnapshot,
  signal: AbortSignal,
): Promise<SourceRunInfo[]> {
  const { ids, method, modelId, benchmark, seed } = selection;
  const params: SqlValue[] = [];
  const conditions: string[] = [];
  for (const [column, value] of Object.entries({ method, model_id: modelId, benchmark, seed })) {
    if (value !== undefined) conditions.push(`${column} = $${params.push(value)}`);
  }
  if (ids !== undefined) conditions.push(`run_id IN (SELECT unnest($${params.push(ids)}::VARCHAR[]))`);
  const rows = await queryRows(
    lake,
    snapshot,
    [{ table: RUNS.name, ...(ids !== undefined && { prune: [{ column: 'run_id', in: ids }] }) }],
    ([runs]) =>
      `SELECT run_id, model_id, benchmark, config FROM ${runs} WHERE ${conditions.join(' AND ')} ORDER BY run_id`,
    { params, signal },
  );
  const missing = ids?.find((id) => !rows.some((row) => row['run_id'] === id));
  if (missing !== undefined)
    throw new PermanentTaskError('RUN_NOT_FOUND', `there is no run ${missing} in the lake`);
  const runIds = rows.map((row) => text(row['run_id']));
  if (runIds.length === 0)
    throw new PermanentTaskError('NO_RUNS', `no run of the lake is ${JSON.stringify(selection)}`);
  const stores = await queryRows(
    lake,
    snapshot,
    [{ table: RUN_STORES.name, prune: [{ column: 'run_id', in: runIds }] }],
    ([from]) => `
      SELECT run_id, store_id, uri, format FROM ${from}
      WHERE run_id IN (SELECT unnest($1::VARCHAR[])) ORDER BY run_id, store_id`,
    { params: [runIds], signal },
  );
  const withStores = rows.map((row) => ({
    runId: text(row['run_id']),
    modelId: textOrNull(row['model_id']) ?? 'unknown',
    benchmark: textOrNull(row['benchmark']) ?? 'unknown',
    config: objectOf(row['config']) ?? {},
    stores: stores
      .filter((store) => store['run_id'] === row['run_id'])
      .map((store) => ({
        id: text(store['store_id']),
        uri: textOrNull(store['uri']) ?? undefined,
        format: text(store['format']),
      })),
  }));
  const without = ids === undefined ? undefined : withStores.find((run) => run.stores.length === 0);
  if (without !== undefined)
    throw new PermanentTaskError('NO_ACTIVATIONS', `the run ${without.runId} has no activations in the lake`);
  // Conditions may well also meet runs that recorded none, and those of earlier probes, whose examples are those of others.
  const usable = withStores.filter(
    (run) => run.stores.length > 0 && (ids !== undefined || run.config['probe'] === undefined),
  );
  if (usable.length === 0)
    throw new PermanentTaskError(
      'NO_ACTIVATIONS',
      `no run that is ${JSON.stringify(selection)} has activations`,
    );
  return usable;
}

async function examplesOf(
  runs: readonly SourceRunInfo[],
  split: string | undefined,
  isTest: boolean,
  lake: Lake,
  snapshot: LakeSnapshot,
  signal: AbortSignal,
): Promise<ProbeExample[]> {
  const byId = new Map(runs.map((run) => [run.runId, run]));
  const rows = await queryRows(
    lake,
    snapshot,
    [{ table: GENERATIONS.name, prune: [{ column: 'run_id', in: [...byId.keys()] }] }],
    ([generations]) => `
      SELECT run_id, example_id, activation_key, split, prompt, response, reference, halu, abstained, label_source,
        generation_params
      FROM ${generations}
      WHERE run_id IN (SELECT unnest($1::VARCHAR[])) AND halu IS NOT NULL AND activation_key IS NOT NULL
        AND ($2::VARCHAR IS NULL OR split = $2)`,
    { params: [[...byId.keys()], split ?? null], signal },
  );
  return rows.map((row) => ({
    run: byId.get(text(row['run_id']))!,
    exampleId: text(row['example_id']),
    activationKey: text(row['activation_key']),
    split: textOrNull(row['split']) ?? 'unknown',
    prompt: text(row['prompt']),
    response: text(row['response']),
    reference: objectOf(row['reference']),
    halu: row['halu'] === true,
    abstained: typeof row['abstained'] === 'boolean' ? row['abstained'] : null,
    labelSource: textOrNull(row['label_source']) ?? 'unknown',
    generationParams: objectOf(row['generation_params']) ?? {},
    isTest,
  }));
}

function objectOf(value: EngineValue | undefined): JsonObject | undefined {
  const parsed = typeof value === 'string' ? parseJson(value) : undefined;
  return isJsonObject(parsed) ? parsed : undefined;
}

/** Number of the group of every example: one for each prompt text, in order of first appearance. */
export function promptGroups(examples: readonly Pick<ProbeExample, 'prompt'>[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(examples, ({ prompt }) => {
    const known = numbers.get(prompt) ?? numbers.size;
    numbers.set(prompt, known);
    return known;
  });
}
