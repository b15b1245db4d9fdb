import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import { isJsonObject } from '../../ingest/contracts/json-value.ts';
import type { CopiedFile } from '../../lake/parquet/copy.ts';
import { Staging } from '../../lake/parquet/staging.ts';
import type { CallOptions } from '../../lake/store/object-store.ts';
import { JOB_EVENTS, JOBS } from '../../lake/tables/jobs.ts';
import type { Row, TableSpec } from '../../lake/tables/schema.ts';
import { compact } from '../../lake/upkeep/compact.ts';
import type { LakeWriter } from '../../lake/writer.ts';
import type { Job, JobEvent } from './job.ts';
import type { EndedJob, JobQueue } from './queue.ts';

export interface RecordJobsOptions extends CallOptions {
  /** Jobs of one commit. Default 64. */
  readonly batch?: number;
  /** A table of this many files is merged: every commit adds one. Default 64. */
  readonly manyFiles?: number;
}

/**
 * Puts jobs that have ended, with their events, into the lake's tables `jobs` and `job_events`. Every end is recorded exactly
 * once, however often and by whomever it is tried: the log of each table says up to which event a job is in it.
 * @returns how many ends were recorded by somebody
 */
export async function recordJobs(
  queue: JobQueue,
  writer: LakeWriter,
  { batch = 64, manyFiles = 64, ...call }: RecordJobsOptions = {},
): Promise<number> {
  let count = 0;
  for (;;) {
    const ends = await queue.unrecorded(batch);
    if (ends.length === 0) return count;
    // First the events, so that whoever sees a job sees them too.
    await recordEvents(queue, writer, ends, call);
    await recordEnds(writer, ends, call);
    for (const table of [JOB_EVENTS, JOBS]) await mergeFiles(writer, table, manyFiles, call);
    for (const end of ends) await queue.recorded(end);
    count += ends.length;
  }
}

/** Names one life of a job in a table's log: an id may be given again to a job of another queue. */
function sourceOf({ job }: EndedJob): string {
  return `job ${job.id} ${job.createdAt}`;
}

async function recordEvents(
  queue: JobQueue,
  writer: LakeWriter,
  ends: readonly EndedJob[],
  call: CallOptions,
): Promise<void> {
  await writer.record(
    JOB_EVENTS.name,
    new Map(ends.map((end) => [sourceOf(end), end.lastEvent])),
    async (recorded) =>
      staged(writer, JOB_EVENTS, async (append) => {
        for (const end of ends) {
          const after = recorded(sourceOf(end));
          const events = await queue.events(end.job.id, { after });
          await append(events.filter(({ seq }) => seq <= end.lastEvent).map(eventRow));
        }
      }),
    call,
  );
}

async function recordEnds(writer: LakeWriter, ends: readonly EndedJob[], call: CallOptions): Promise<void> {
  await writer.record(
    JOBS.name,
    new Map(ends.map((end) => [sourceOf(end), end.lastEvent])),
    async (recorded) =>
      staged(writer, JOBS, async (append) => {
        await append(ends.filter((end) => recorded(sourceOf(end)) < end.lastEvent).map(jobRow));
      }),
    {
      ...call,
      // A job that was retried and has ended again has one row still.
      replaced: (recorded) => ({
        column: 'job_id',
        values: ends
          .filter((end) => recorded(sourceOf(end)) > 0 && recorded(sourceOf(end)) < end.lastEvent)
          .map(({ job }) => job.id),
      }),
    },
  );
}

/** The rows that `fill` appends as one file; undefined for none. */
async function staged(
  writer: LakeWriter,
  spec: TableSpec,
  fill: (append: (rows: readonly Row[]) => Promise<void>) => Promise<void>,
): Promise<CopiedFile | undefined> {
  const connection = await writer.connect();
  try {
    const staging = new Staging(connection, writer.directory);
    await fill((rows) => staging.append(spec, rows));
    return (await staging.write()).get(spec.name);
  } finally {
    connection.closeSync();
  }
}

async function mergeFiles(
  writer: LakeWriter,
  { name }: TableSpec,
  manyFiles: number,
  call: CallOptions,
): Promise<void> {
  const table = writer.lake.table(name);
  if ((await table.snapshot(call)).files.size >= manyFiles)
    await compact(table, { ...call, directory: writer.directory });
}

const MICROS = 1000n;

function micros(ms: number): bigint {
  return BigInt(Math.floor(ms)) * MICROS;
}

function jobRow({ job, lastEvent }: EndedJob): Row {
  const { progress, failure, result } = job;
  return {
    job_id: job.id,
    kind: job.kind,
    state: job.state,
    priority: job.priority,
    owner: job.owner,
    spec: JSON.stringify(job.spec),
    depends_on: [...job.dependsOn],
    attempt: job.attempt,
    max_attempts: job.maxAttempts,
    worker: job.worker,
    created_at: micros(job.createdAt),
    started_at: job.startedAt === null ? null : micros(job.startedAt),
    finished_at: micros(job.finishedAt ?? job.updatedAt),
    stage: progress?.stage ?? null,
    done: progress?.done ?? null,
    total: progress?.total ?? null,
    error_code: failure?.code ?? null,
    error_message: failure?.message ?? null,
    run_ids: runIdsOf(result),
    result: result === null ? null : JSON.stringify(result),
    n_events: lastEvent,
  };
}

/** The ids of runs in the result of a task. */
function runIdsOf(result: Job['result']): string[] | null {
  const ids: JsonValue | undefined = isJsonObject(result) ? result['runIds'] : undefined;
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : null;
}

function eventRow({ jobId, seq, at, attempt, level, type, message }: JobEvent): Row {
  return { job_id: jobId, seq, time: micros(at), attempt, level, type, message };
}
