import type { JsonValue } from '../../../ingest/contracts/json-value.ts';
import type { HeadPlace } from '../../../ingest/families/fv/ranking.ts';
import { explained, InvalidArgumentError, RunlakeError } from '../../../lake/errors.ts';
import { NothingToDoError, PermanentTaskError, type TaskContext } from '../../jobs/worker.ts';
import type { PlanLimits } from '../../model/index.ts';
import { ingestResults } from '../contract-run/ingest-results.ts';
import { jobStart } from '../contract-run/provenance.ts';
import { checkMember, warningOf } from '../model-check/model-check.ts';
import type { PythonValue } from '../python/json.ts';
import { requireShards, shardRange, splitShards } from '../shards.ts';
import { locate } from '../source/locate.ts';
import { jobPrefix, type TaskDefinition, type TaskServices } from '../task.ts';
import type { RelationExperiment } from './artifacts/experiment.ts';
import { type RelationRun, runMeta, runSummary } from './artifacts/relation-documents.ts';
import { RelationError } from './errors.ts';
import { batchMemory, type OpenExperimentModel, type OpenModel, openModel } from './open-model.ts';
import { png } from './plots/png.ts';
import { QueryProgress } from './query-progress.ts';
import { queryDirectory } from './relation/query-directory.ts';
import { orderedQueries, type Relation, readRelation } from './relation/relation.ts';
import { type QueryOutcome, type QueryRun, runQuery } from './run-query.ts';
import { type FvSpec, fvSpec } from './spec.ts';
import type { HeadSubset, Picture } from './stages/context.ts';
import { QueryStatus } from './status.ts';
import { headsOf } from './sweep/head-sweep.ts';

/** Codes of errors that another attempt would only repeat. */
const PERMANENT: ReadonlySet<string> = new Set([
  'RELATION_INVALID',
  'PROMPT_TOKENS',
  'CHECKPOINT_INVALID',
  'MODEL_UNSUPPORTED',
  'PROVIDER_UNAVAILABLE',
  'MODEL_MEMORY',
  'INVALID_ARGUMENT',
]);

function isPermanent(error: unknown): error is RunlakeError {
  return error instanceof RunlakeError && PERMANENT.has(error.code);
}

/** Relations are held in memory; the largest are a thousandth of this. */
const MAX_RELATION_BYTES = 2 ** 28;

/** Some relation queries failed; the others are complete and in the lake. Another attempt does the failed ones only. */
export class QueriesFailedError extends RunlakeError {
  readonly code = 'FV_QUERIES_FAILED';
}

/** The task with a way of opening models, and of making pictures. */
export function fvTaskWith(open: OpenExperimentModel, picture: Picture = png): TaskDefinition<FvSpec> {
  return {
    kind: 'fv',
    doc: 'Sweeps the heads of a model over a relation, makes function vectors of the best, injects them into every layer, and puts the runs into the lake.',
    spec: fvSpec,

    split: splitShards,

    async run(spec, context, services) {
      if (spec.merge !== undefined) return merged(spec.merge, context, services);
      try {
        return await runQueries(spec, context, services, { open, picture });
      } catch (error) {
        if (!isPermanent(error) || error instanceof PermanentTaskError) throw error;
        throw new PermanentTaskError(error.code, error.message, error);
      }
    },
  };
}

/** Function vectors of a relation, query by query. */
export const fvTask: TaskDefinition<FvSpec> = fvTaskWith(openModel);

/** Ingests what the shards have written; where all of it is in the lake already nothing happens. */
async function merged(
  ids: readonly string[],
  { signal, progress }: TaskContext,
  services: TaskServices,
): Promise<JsonValue> {
  await requireShards(ids, 'fv', services.store, signal);
  const runIds: string[] = [];
  for (const [done, id] of ids.entries()) {
    progress({ stage: 'ingest', done, total: ids.length, counter: { unit: 'shards', count: done } });
    runIds.push(...(await ingestResults(services, resultsKey(id), signal)));
  }
  return { runIds: runIds.sort() };
}

function resultsKey(jobId: string): string {
  return `${jobPrefix(jobId)}/runs`;
}

/** All relation queries of a job, one after the other with one model. */
async function runQueries(
  spec: FvSpec,
  context: TaskContext,
  services: TaskServices,
  { open, picture }: { readonly open: OpenExperimentModel; readonly picture: Picture },
): Promise<JsonValue> {
  const { job, signal, progress, log } = context;
  const { store } = services;
  const relation = await relationOf(spec, services, signal);
  const qIds = ownQueries(spec, relation, log);
  if (qIds.length === 0) {
    // There may be more shards than relation queries.
    if (spec.shard !== undefined) return { runIds: [], queries: {} };
    throw new NothingToDoError('NO_QUERIES', 'there is no relation query for this job');
  }
  const start = await jobStart(store, job.id, undefined, signal);
  const limits = { memoryBytes: await batchMemory(spec, store, jobPrefix(job.id), signal) };
  progress({ stage: 'load', done: 0 });
  const model = await open(spec, services, signal);
  const name = relationName(spec);
  const base = `${resultsKey(job.id)}/${spec.results}/relation_qwise/${queryDirectory(name)}`;
  const experiment = experimentOf(spec, model, start.createdAt);
  const whole: RelationRun = { experiment, name, base, queries: qIds.length };
  const outcomes = new Map<string, QueryOutcome | 'failed'>();
  const having = (wanted: string) => qIds.filter((qId) => outcomes.get(qId) === wanted);
  /** Whether another attempt could do better with one that failed. */
  let mayHelp = false;
  try {
    const warning = warningOf(model.check);
    if (warning !== undefined) log('warn', warning);
    await store.put(`${base}/_status/run_meta.json`, Buffer.from(runMeta(whole)), { signal });
    const readings = new QueryProgress(expectedReadings(spec, relation, qIds, model), progress);
    for (const qId of qIds) {
      signal.throwIfAborted();
      const root = `${base}/${queryDirectory(qId)}/artifacts`;
      const run = { experiment: { ...experiment, qId, root }, relation, store, signal, log, picture };
      try {
        const outcome = await attempt({ ...run, spec, limits, progress: readings.of(qId) }, model);
        outcomes.set(qId, outcome);
        log('info', `${qId}: ${outcome}`);
      } catch (error) {
        if (signal.aborted) throw error;
        outcomes.set(qId, 'failed');
        mayHelp ||= !isPermanent(error);
        log('error', `${qId}: ${explained(error)}`);
      }
      readings.finish(qId);
    }
    const ended = { processed: outcomes.size, skipped: having('skipped'), failed: having('failed') };
    await store.put(`${base}/_status/run_summary.json`, Buffer.from(runSummary(whole, ended)), { signal });
  } finally {
    await model.close();
  }
  progress({ stage: 'ingest', done: 0 });
  const runIds = await ingestResults(services, resultsKey(job.id), signal);
  const failed = having('failed');
  if (failed.length > 0) {
    const message = `${failed.length} of ${qIds.length} relation queries failed: ${failed.join(', ')}`;
    const error = new QueriesFailedError(message, {
      remedy: 'the log of the job and qid_status.json say why; retry does these only',
    });
    throw mayHelp ? error : new PermanentTaskError(error.code, message, error);
  }
  if (spec.shard === undefined && having('skipped').length === qIds.length)
    throw new NothingToDoError('INSUFFICIENT_ROWS', `no relation query has ${rowsNeeded(spec)} rows`);
  return { runIds, queries: Object.fromEntries(outcomes) };
}

/** The relation queries of this job, in the order in which they are done. */
function ownQueries(spec: FvSpec, relation: Relation, log: TaskContext['log']): readonly string[] {
  const { dropped, queries } = relation;
  if (dropped.length > 0) {
    const lines = dropped.slice(0, 10).join(', ');
    const message = `${dropped.length} rows of ${spec.relation} have an empty cell and are left out: lines ${lines}`;
    log('warn', dropped.length > 10 ? `${message}, …` : message);
  }
  const qIds = orderedQueries(relation, spec.queries);
  const unknown = qIds.filter((qId) => !queries.has(qId));
  if (unknown.length > 0) {
    const known = [...queries.keys()].slice(0, 20).join(', ');
    log('warn', `${spec.relation} has no relation query ${unknown.join(', ')}; it has ${known}`);
  }
  return qIds.slice(...shardRange(spec.shard, qIds.length));
}

/** Rows without which a relation query is skipped. */
function rowsNeeded({ demos, additions }: FvSpec): number {
  return demos + 1 + additions.heldOut;
}

/** Readings of the head sweep, which is most of the work, by relation query. */
function expectedReadings(
  spec: FvSpec,
  relation: Relation,
  qIds: readonly string[],
  { model }: OpenModel,
): Map<string, number> {
  const heads = sweptHeads(spec, model.info).length;
  const rows = (qId: string) => relation.queries.get(qId)?.length ?? 0;
  return new Map(qIds.map((qId) => [qId, rows(qId) < rowsNeeded(spec) ? 0 : heads * spec.trials]));
}

/** The heads that are swept. @throws InvalidArgumentError the model has no layer or head of a number that is asked for */
function sweptHeads(spec: FvSpec, info: OpenModel['model']['info']): HeadPlace[] {
  for (const [what, wanted, count] of [
    ['layer', spec.layers, info.layers],
    ['head', spec.heads, info.heads],
  ] as const) {
    const beyond = wanted?.filter((index) => index >= count) ?? [];
    if (beyond.length > 0) {
      throw new InvalidArgumentError(`the model has no ${what} ${beyond.join(', ')}`, {
        expected: `numbers from 0 to ${count - 1}`,
      });
    }
  }
  return headsOf(info, subsetOf(spec));
}

/** Which heads are swept, for the status file, where they are not all. */
function sweptMember(spec: FvSpec, { model }: OpenModel): Record<string, PythonValue> {
  if (spec.layers === undefined && spec.heads === undefined) return {};
  const places = sweptHeads(spec, model.info);
  const layers = [...new Set(places.map(({ layer }) => layer))];
  return { swept: { layers, heads: [...new Set(places.map(({ head }) => head))] } };
}

function subsetOf({ layers, heads }: FvSpec): HeadSubset {
  return { ...(layers === undefined ? {} : { layers }), ...(heads === undefined ? {} : { heads }) };
}

type AttemptOf = Omit<QueryRun, 'subset' | 'options' | 'status'> & {
  readonly spec: FvSpec;
  readonly limits: PlanLimits;
};

/** One relation query, from where its status file says it is. */
async function attempt({ spec, limits, ...rest }: AttemptOf, model: OpenModel): Promise<QueryOutcome> {
  const { experiment, relation, store, signal } = rest;
  const facts = {
    q_row_count: relation.queries.get(experiment.qId)?.length ?? 0,
    ...sweptMember(spec, model),
    ...checkMember([model.check]),
  };
  const status = await QueryStatus.open(store, experiment, facts, signal);
  const options = { limits, reference: spec.reference, signal };
  return runQuery({ ...rest, subset: subsetOf(spec), options, status }, model);
}

async function relationOf(spec: FvSpec, services: TaskServices, signal: AbortSignal): Promise<Relation> {
  const { columns } = spec;
  const options = {
    columns: {
      ...(columns.query === undefined ? {} : { query: columns.query }),
      ...(columns.input === undefined ? {} : { input: columns.input }),
      ...(columns.output === undefined ? {} : { output: columns.output }),
    },
    file: spec.relation,
    signal,
  };
  if (spec.csv !== undefined) return readRelation([Buffer.from(spec.csv)], options);
  const { store, key } = await locate(spec.relation, services, signal);
  const info = await store.head(key, { signal });
  if (info === undefined) throw new RelationError(`there is no relation file ${spec.relation}`);
  if (info.size > MAX_RELATION_BYTES) {
    throw new RelationError(`${spec.relation} has ${info.size} bytes`, {
      expected: `at most ${MAX_RELATION_BYTES}`,
    });
  }
  return readRelation(store.stream(key, { signal }), options);
}

/** The relation's name: that of its file. */
function relationName({ relation }: FvSpec): string {
  const name = relation.replace(/\/+$/, '').split('/').at(-1) ?? relation;
  return name.replace(/(\.csv)?(\.gz)?$/i, '') || 'relation';
}

function experimentOf(
  spec: FvSpec,
  { model, specialTokens }: OpenModel,
  createdAt: string,
): RelationExperiment {
  const { modelType, compute, provider } = model.info;
  const { trials, demos, topk, scoreKey, alpha, evalExamples, seed, corruption, relation, additions } = spec;
  const { path, id = path.replace(/\/+$/, '').split('/').at(-1) ?? path } = spec.model;
  return {
    model: id,
    modelType,
    relationPath: relation,
    trials,
    demos,
    topk,
    scoreKey,
    alpha,
    evalExamples,
    seed,
    corruption,
    additions,
    specialTokens,
    compute,
    provider,
    createdAt,
  };
}
