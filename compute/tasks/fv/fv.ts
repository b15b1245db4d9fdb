import type { JsonValue } from '../../../ingest/contracts/json-value.ts';
import { messageOf, RunlakeError } from '../../../lake/errors.ts';
import { NothingToDoError, PermanentTaskError, type TaskContext } from '../../jobs/worker.ts';
import type { PlanLimits } from '../../model/index.ts';
import { ingestResults } from '../contract-run/ingest-results.ts';
import { jobStart } from '../contract-run/provenance.ts';
import { checkMember, warningOf } from '../model-check/model-check.ts';
import { locate } from '../source/locate.ts';
import { jobPrefix, type TaskDefinition, type TaskServices } from '../task.ts';
import type { Experiment } from './artifacts/experiment.ts';
import { pythonJson } from './artifacts/python-json.ts';
import { RelationError } from './errors.ts';
import { batchMemory, type OpenExperimentModel, type OpenModel, openModel } from './open-model.ts';
import { queryDirectory } from './relation/query-directory.ts';
import { orderedQueries, type Relation, readRelation } from './relation/relation.ts';
import { type QueryOutcome, type QueryRun, runQuery } from './run-query.ts';
import { type FvSpec, fvSpec } from './spec.ts';
import { QueryStatus } from './status.ts';

/** Codes of errors that another attempt would only repeat. */
const PERMANENT: ReadonlySet<string> = new Set([
  'RELATION_INVALID',
  'PROMPT_TOKENS',
  'CHECKPOINT_INVALID',
  'MODEL_UNSUPPORTED',
  'PROVIDER_UNAVAILABLE',
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

/** The task with a way of opening models. */
export function fvTaskWith(open: OpenExperimentModel): TaskDefinition<FvSpec> {
  return {
    kind: 'fv',
    doc: 'Sweeps the heads of a model over a relation, makes function vectors of the best, injects them into every layer, and puts the runs into the lake.',
    spec: fvSpec,

    split(spec) {
      const { shards: count } = spec;
      if (count === 1) return undefined;
      const one = { ...spec, shards: 1 };
      return {
        parts: Array.from({ length: count }, (_, index) => ({ ...one, shard: { index, count } })),
        merge: (ids) => ({ ...one, merge: [...ids] }),
      };
    },

    async run(spec, context, services) {
      if (spec.merge !== undefined) return merged(spec.merge, services, context.signal);
      try {
        return await runQueries(spec, context, services, open);
      } catch (error) {
        if (!isPermanent(error) || error instanceof PermanentTaskError) throw error;
        throw new PermanentTaskError(error.code, error.message, error);
      }
    },
  };
}

/** Function vectors of a relation, query by query. */
export const fvTask: TaskDefinition<FvSpec> = fvTaskWith(openModel);

/** What the parts have put into the lake. */
async function merged(
  ids: readonly string[],
  services: TaskServices,
  signal: AbortSignal,
): Promise<JsonValue> {
  const runIds: string[] = [];
  for (const id of ids) runIds.push(...(await ingestResults(services, resultsKey(id), signal)));
  return { runIds };
}

function resultsKey(jobId: string): string {
  return `${jobPrefix(jobId)}/runs`;
}

async function runQueries(
  spec: FvSpec,
  context: TaskContext,
  services: TaskServices,
  open: OpenExperimentModel,
): Promise<JsonValue> {
  const { job, signal, progress, log } = context;
  const { store } = services;
  const relation = await relationOf(spec, services, signal);
  if (relation.dropped.length > 0)
    log(
      'warn',
      `${relation.dropped.length} rows of ${spec.relation} have an empty cell and are left out: lines ${relation.dropped.slice(0, 10).join(', ')}`,
    );
  const qIds = ownQueries(orderedQueries(relation, spec.queries), spec.shard);
  if (qIds.length === 0) throw new NothingToDoError('NO_QUERIES', 'there is no relation query for this job');
  const start = await jobStart(store, job.id, undefined, signal);
  const limits = { memoryBytes: await batchMemory(spec, store, jobPrefix(job.id), signal) };
  progress({ stage: 'load', done: 0 });
  const model = await open(spec, services, signal);
  const name = relationName(spec);
  const base = `${resultsKey(job.id)}/${spec.results}/relation_qwise/${queryDirectory(name)}`;
  const outcomes = new Map<string, QueryOutcome | 'failed'>();
  /** Whether another attempt could do better with one that failed. */
  let mayHelp = false;
  try {
    const warning = warningOf(model.check);
    if (warning !== undefined) log('warn', warning);
    for (const qId of qIds) {
      signal.throwIfAborted();
      const root = `${base}/${queryDirectory(qId)}/artifacts`;
      const experiment = experimentOf(spec, model, { qId, root, createdAt: start.createdAt });
      try {
        const outcome = await attempt({ spec, experiment, relation, limits, store, signal, progress }, model);
        outcomes.set(qId, outcome);
        log('info', `${qId}: ${outcome}`);
      } catch (error) {
        if (signal.aborted) throw error;
        outcomes.set(qId, 'failed');
        mayHelp ||= !isPermanent(error);
        log('error', `${qId}: ${messageOf(error)}`);
      }
    }
    await writeSummary(`${base}/_status/run_summary.json`, outcomes, { store, signal, name, base });
  } finally {
    await model.close();
  }
  progress({ stage: 'ingest', done: 0 });
  const runIds = await ingestResults(services, resultsKey(job.id), signal);
  const failed = [...outcomes].filter(([, outcome]) => outcome === 'failed').map(([qId]) => qId);
  if (failed.length > 0) {
    const message = `${failed.length} of ${outcomes.size} relation queries failed: ${failed.join(', ')}`;
    const error = new QueriesFailedError(message, {
      remedy: 'the log of the job and qid_status.json say why; retry does these only',
    });
    throw mayHelp ? error : new PermanentTaskError(error.code, message, error);
  }
  if ([...outcomes.values()].every((outcome) => outcome === 'skipped'))
    throw new NothingToDoError(
      'INSUFFICIENT_ROWS',
      `no relation query has ${spec.demos + 1 + spec.additions.heldOut} rows`,
    );
  return { runIds, queries: Object.fromEntries(outcomes) };
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
    ...checkMember([model.check]),
  };
  const subset = {
    ...(spec.layers === undefined ? {} : { layers: spec.layers }),
    ...(spec.heads === undefined ? {} : { heads: spec.heads }),
  };
  const status = await QueryStatus.open(store, experiment, facts, signal);
  const options = { limits, reference: spec.reference, signal };
  return runQuery({ ...rest, subset, options, status }, model);
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

function ownQueries(qIds: readonly string[], shard: FvSpec['shard']): readonly string[] {
  return shard === undefined ? qIds : qIds.filter((_, i) => i % shard.count === shard.index);
}

/** The relation's name: that of its file. */
function relationName({ relation }: FvSpec): string {
  const name = relation.replace(/\/+$/, '').split('/').at(-1) ?? relation;
  return name.replace(/(\.csv)?(\.gz)?$/i, '') || 'relation';
}

function experimentOf(
  spec: FvSpec,
  { model, specialTokens }: OpenModel,
  rest: Pick<Experiment, 'qId' | 'root' | 'createdAt'>,
): Experiment {
  const { modelType, compute, provider } = model.info;
  const { trials, demos, topk, scoreKey, alpha, evalExamples, seed, corruption, relation, additions } = spec;
  const { path, id = path.replace(/\/+$/, '').split('/').at(-1) ?? path } = spec.model;
  return {
    ...rest,
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
  };
}

interface SummaryPlace {
  readonly store: TaskServices['store'];
  readonly signal: AbortSignal;
  readonly name: string;
  readonly base: string;
}

/** `_status/run_summary.json` */
async function writeSummary(
  key: string,
  outcomes: ReadonlyMap<string, QueryOutcome | 'failed'>,
  { store, signal, name, base }: SummaryPlace,
): Promise<void> {
  const having = (wanted: string) =>
    [...outcomes].filter(([, outcome]) => outcome === wanted).map(([q]) => q);
  const failed = having('failed');
  const text = pythonJson(
    {
      updated_at: new Date().toISOString(),
      status: failed.length === 0 ? 'completed' : 'failed',
      relation_name: name,
      n_selected_qids: outcomes.size,
      processed: outcomes.size,
      skipped_q_ids: having('skipped'),
      failed_q_ids: failed,
      out_root: base,
      canonical_root: base,
      sync_root: null,
      sync_mode: 'none',
      artifact_profile: 'full',
    },
    2,
  );
  await store.put(key, Buffer.from(text), { signal });
}
