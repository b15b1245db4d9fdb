import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import type { TraceOrigin } from '../../lake/telemetry.ts';

/** What workers know how to do. */
export const JOB_KINDS = ['inference', 'evaluation', 'probe', 'fv', 'chaos_eval'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/**
 * `pending` until a worker takes it (waiting for its turn, for another job or for a retry), `running` while a worker
 * holds it; the other four are final until somebody asks for a retry.
 */
export const JOB_STATES = ['pending', 'running', 'completed', 'failed', 'skipped', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** How far a job is. Times are milliseconds since the epoch. */
export interface JobProgress {
  /** What is being done now, e.g. `generate`. */
  readonly stage: string;
  readonly done: number;
  /** Null while nobody knows. */
  readonly total: number | null;
  /** What `rate` counts, e.g. `tokens`. */
  readonly unit: string | null;
  /** Units a second, over the last half minute or so. */
  readonly rate: number | null;
  /** When it should end; null while nobody knows. */
  readonly eta: number | null;
}

export interface JobFailure {
  readonly code: string;
  readonly message: string;
}

/** One job. Times are milliseconds since the epoch. */
export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  /** Higher goes first; equal ones in the order of their submission. */
  readonly priority: number;
  /** The validated specification; the same bytes lie in the store under `specKey`. */
  readonly spec: JsonValue;
  /** Ids of jobs that have to be completed before this one may run. */
  readonly dependsOn: readonly string[];
  /** Who asked for it, where that is known. */
  readonly owner: string | null;
  /** What launched it, where that is traced. */
  readonly origin?: TraceOrigin | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of the last attempt. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Not taken before this time: the back-off of a retry. */
  readonly notBefore: number;
  /** Attempts begun. It also fences: what an earlier attempt still sends is refused. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** The worker that holds it, or held it last. */
  readonly worker: string | null;
  /** The worker is taken for dead after this time; null unless running. */
  readonly leaseUntil: number | null;
  readonly cancelRequested: boolean;
  readonly progress: JobProgress | null;
  /** What the last attempt failed with, or why the job was skipped or cancelled. */
  readonly failure: JobFailure | null;
  /** What the task gave, e.g. the ids of ingested runs. */
  readonly result: JsonValue | null;
}

/** Something that happened to a job; the log lines of its task are events too. */
export interface JobEvent {
  readonly jobId: string;
  /** Position in the events of the job, from 1. */
  readonly seq: number;
  readonly at: number;
  readonly attempt: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `state` for changes of state, `log` for lines of the task. */
  readonly type: 'state' | 'log';
  readonly message: string;
}

const FINAL: ReadonlySet<JobState> = new Set(['completed', 'failed', 'skipped', 'cancelled']);

/** Whether a job of this state has ended, until somebody asks for a retry. */
export function isFinal(state: JobState): boolean {
  return FINAL.has(state);
}
