import { randomUUID } from 'node:crypto';
import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import type { Job, JobEvent, JobFailure, JobKind, JobProgress, JobState } from './job.ts';
import type { Claim, NewJob } from './transitions.ts';

export interface QueueOptions {
  /** How long a worker may be silent before it is taken for dead, in milliseconds. Default 15,000. */
  readonly leaseMs?: number;
  /** Told of a job that is taken from a worker which has fallen silent. */
  readonly onLeaseLost?: (job: Job) => void;
  /** Wait after the first failed attempt, in milliseconds; doubles with each. Default 2,000, at most 5 minutes. */
  readonly backoffMs?: number;
}

export const DEFAULT_LEASE_MS = 15_000;
export const DEFAULT_BACKOFF_MS = 2_000;
export const MAX_BACKOFF_MS = 300_000;

/** Log lines that are kept of one job: the latest ones. */
export const MAX_EVENTS = 10_000;

export interface SelectJobs {
  readonly states?: readonly JobState[];
  readonly kinds?: readonly JobKind[];
}

export interface ListJobs extends SelectJobs {
  /** Jobs that were submitted before this one. */
  readonly before?: string;
  readonly limit: number;
}

/** What a worker tells with a heartbeat. */
export interface Beat {
  readonly progress?: JobProgress;
  readonly log?: readonly Pick<JobEvent, 'at' | 'level' | 'message'>[];
}

/** A job that has ended. */
export interface EndedJob {
  readonly job: Job;
  /** `seq` of the event with which it ended. */
  readonly lastEvent: number;
}

export interface JobTally {
  readonly kind: JobKind;
  readonly state: JobState;
  readonly jobs: number;
}

export interface WatchOptions {
  /** Only this job. */
  readonly id?: string;
  readonly signal?: AbortSignal;
}

/**
 * Jobs that wait for workers, and everything that is known of those that do not. At-least-once: a job whose worker falls
 * silent is given to another, so what a task does has to be idempotent. Implementations: `EmbeddedQueue` (LMDB; the
 * processes of one machine) and `PostgresQueue` (many machines). Both pass the same contract test.
 */
export interface JobQueue {
  /** Where the jobs are, for messages. */
  readonly uri: string;
  /** Queues a job; one whose id is known already is returned as it is. @throws UnknownDependencyError */
  submit(request: NewJob): Promise<Job>;
  get(id: string): Promise<Job | undefined>;
  /** The latest first. */
  list(options: ListJobs): Promise<readonly Job[]>;
  count(options?: SelectJobs): Promise<number>;
  /** How many jobs there are of every kind in every state that any is in. */
  tally(): Promise<readonly JobTally[]>;
  /**
   * Gives the worker the pending job of one of these kinds that is first in line, if there is one. Jobs of workers that
   * were not heard of for the length of a lease are pending again.
   */
  claim(worker: string, kinds: readonly JobKind[]): Promise<Job | undefined>;
  /** Keeps the lease; the answer says whether somebody wants the job to stop. @throws LeaseLostError */
  beat(claim: Claim, beat?: Beat): Promise<{ readonly cancelRequested: boolean }>;
  /** @throws LeaseLostError */
  complete(claim: Claim, result: JsonValue): Promise<Job>;
  /** `retry: false` where trying again cannot help. @throws LeaseLostError */
  fail(claim: Claim, failure: JobFailure, options?: { readonly retry?: boolean }): Promise<Job>;
  /** There was nothing to do, for a reason. @throws LeaseLostError */
  skip(claim: Claim, reason: JobFailure): Promise<Job>;
  /** The task has stopped because somebody wanted it. @throws LeaseLostError */
  confirmCancel(claim: Claim): Promise<Job>;
  /** Gives the job back, as a worker does that shuts down. @throws LeaseLostError */
  release(claim: Claim): Promise<Job>;
  /** @throws JobNotFoundError, JobStateError */
  cancel(id: string): Promise<Job>;
  /** Queues it again, and those that were skipped because of it. @throws JobNotFoundError, JobStateError */
  retry(id: string): Promise<Job>;
  /** What happened to a job after event `after`, oldest first. */
  events(id: string, options?: { readonly after?: number; readonly limit?: number }): Promise<JobEvent[]>;
  /** Jobs that have ended, of which nobody has said `recorded`. */
  unrecorded(limit: number): Promise<readonly EndedJob[]>;
  /** An end is kept elsewhere; of no effect when the job has been retried since. */
  recorded(end: EndedJob): Promise<void>;
  /** Every job as it changes from now on; changes that follow each other closely may be seen as one. */
  watch(options?: WatchOptions): AsyncIterable<Job>;
  close(): Promise<void>;
}

/** Milliseconds of the latest id that this process has made. */
let latest = 0;

/** Sorts by time of submission; ids of one process by the order in which they were made, also those of one millisecond. */
export function newJobId(): string {
  latest = Math.max(latest + 1, Date.now());
  return `job-${latest.toString(36).padStart(9, '0')}-${randomUUID().slice(0, 8)}`;
}
