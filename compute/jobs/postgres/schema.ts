import { z } from 'zod';
import { isFinal, JOB_KINDS, JOB_STATES, type Job } from '../job.ts';

/** The tables of `PostgresQueue`; running it again changes nothing. `record` is the whole job; the other columns find it. `recorded`: false from the end of a job until the lake has it. */
export const schemaSql = (schema: string): string => `
  BEGIN;
  CREATE SCHEMA IF NOT EXISTS ${schema};
  CREATE TABLE IF NOT EXISTS ${schema}.jobs (
    id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    state text NOT NULL,
    priority integer NOT NULL,
    not_before bigint NOT NULL,
    lease_until bigint,
    record text NOT NULL,
    recorded boolean NOT NULL,
    ticket uuid
  );
  CREATE INDEX IF NOT EXISTS jobs_unrecorded ON ${schema}.jobs (id) WHERE NOT recorded;
  CREATE INDEX IF NOT EXISTS jobs_unfinished ON ${schema}.jobs (state, kind) WHERE state IN ('pending', 'running');
  CREATE TABLE IF NOT EXISTS ${schema}.job_dependencies (
    dependency text NOT NULL REFERENCES ${schema}.jobs (id),
    job_id text NOT NULL REFERENCES ${schema}.jobs (id),
    PRIMARY KEY (dependency, job_id)
  );
  CREATE TABLE IF NOT EXISTS ${schema}.job_events (
    job_id text COLLATE "C" NOT NULL REFERENCES ${schema}.jobs (id),
    seq bigint NOT NULL,
    at bigint NOT NULL,
    attempt integer NOT NULL,
    level text NOT NULL,
    type text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (job_id, seq)
  );
  COMMIT;`;

export const jobColumns = [
  'id',
  'kind',
  'state',
  'priority',
  'not_before',
  'lease_until',
  'record',
  'recorded',
] as const;

/** The values of a job's row, in the order of `jobColumns`. */
export function jobRow(job: Job): readonly unknown[] {
  const { id, kind, state, priority, notBefore, leaseUntil } = job;
  const recorded = !isFinal(state);
  return [id, kind, state, priority, Math.ceil(notBefore), leaseUntil, JSON.stringify(job), recorded];
}

const failure = z.object({ code: z.string(), message: z.string() });
const time = z.number();

const jobSchema = z.object({
  id: z.string(),
  kind: z.enum(JOB_KINDS),
  state: z.enum(JOB_STATES),
  priority: z.number(),
  spec: z.json(),
  dependsOn: z.array(z.string()),
  owner: z.string().nullable(),
  origin: z.record(z.string(), z.string()).optional(),
  createdAt: time,
  updatedAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  notBefore: time,
  attempt: z.number(),
  maxAttempts: z.number(),
  worker: z.string().nullable(),
  leaseUntil: time.nullable(),
  cancelRequested: z.boolean(),
  progress: z
    .object({
      stage: z.string(),
      done: z.number(),
      total: z.number().nullable(),
      unit: z.string().nullable(),
      rate: z.number().nullable(),
      eta: time.nullable(),
    })
    .nullable(),
  failure: failure.nullable(),
  result: z.json().nullable(),
});

/** The job of a row that has a `record`. */
export function parseJob(row: unknown): Job {
  const { record } = z.object({ record: z.string() }).parse(row);
  return jobSchema.parse(JSON.parse(record));
}

/** The number of a job's last event, 0 before the first, as an expression. `id`: an expression for the job's id. */
export function lastEvent(schema: string, id: string): string {
  return `(SELECT coalesce(max(seq), 0) FROM ${schema}.job_events WHERE job_id = ${id})`;
}

/** The channel on which changes of jobs are announced. */
export function channelName(schema: string): string {
  return `${schema.replaceAll('"', '')}_jobs`;
}
