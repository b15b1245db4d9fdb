import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import type { TraceOrigin } from '../../lake/telemetry.ts';
import { JobStateError, LeaseLostError } from './errors.ts';
import type { Job, JobFailure, JobKind, JobProgress } from './job.ts';

/**
 * What may happen to a job, as functions from one state to the next. Both queues store what these return, so they cannot
 * disagree about the rules.
 */

/** Attempts of a job unless its submission says otherwise, and those that a retry by hand grants. */
export const DEFAULT_ATTEMPTS = 3;

/** What is asked of a queue. */
export interface NewJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly spec: JsonValue;
  readonly priority?: number;
  readonly dependsOn?: readonly string[];
  readonly owner?: string;
  readonly origin?: TraceOrigin | undefined;
  readonly maxAttempts?: number;
}

/** Which attempt speaks. */
export type Claim = Pick<Job, 'id' | 'attempt'>;

/** A new job, which waits for its turn. `now`, here and below: milliseconds since the epoch. */
export function created(request: NewJob, now: number): Job {
  return {
    id: request.id,
    kind: request.kind,
    state: 'pending',
    priority: request.priority ?? 0,
    spec: request.spec,
    dependsOn: [...new Set(request.dependsOn ?? [])],
    owner: request.owner ?? null,
    ...(request.origin && { origin: request.origin }),
    createdAt: now,
    updatedAt: now,
    startedAt: null,
    finishedAt: null,
    notBefore: now,
    attempt: 0,
    maxAttempts: request.maxAttempts ?? DEFAULT_ATTEMPTS,
    worker: null,
    leaseUntil: null,
    cancelRequested: false,
    progress: null,
    failure: null,
    result: null,
  };
}

/** A worker takes a pending job for `leaseMs`. */
export function claimed(job: Job, worker: string, now: number, leaseMs: number): Job {
  if (job.state !== 'pending') throw new JobStateError(job.id, job.state, 'taken', ['pending']);
  return {
    ...job,
    state: 'running',
    attempt: job.attempt + 1,
    worker,
    leaseUntil: now + leaseMs,
    startedAt: now,
    updatedAt: now,
    finishedAt: null,
    failure: null,
  };
}

/** @throws LeaseLostError unless the claim is the running attempt */
export function held(job: Job, claim: Claim): Job {
  if (job.state !== 'running' || job.attempt !== claim.attempt)
    throw new LeaseLostError(claim.id, claim.attempt);
  return job;
}

/** The worker is alive; `progress` replaces what was known. */
export function beaten(job: Job, now: number, leaseMs: number, progress?: JobProgress): Job {
  return { ...job, leaseUntil: now + leaseMs, updatedAt: now, ...(progress && { progress }) };
}

function ended(
  job: Job,
  now: number,
  end: Pick<Job, 'state'> & Partial<Pick<Job, 'failure' | 'result'>>,
): Job {
  return {
    ...job,
    failure: null,
    ...end,
    leaseUntil: null,
    cancelRequested: false,
    finishedAt: now,
    updatedAt: now,
  };
}

/** The task is done; `result` is what it gave. */
export function completed(job: Job, now: number, result: JsonValue): Job {
  return ended(job, now, { state: 'completed', result });
}

/** There was nothing to do, or what the job waits for ended without a result; `failure` says which. */
export function skipped(job: Job, now: number, failure: JobFailure): Job {
  return ended(job, now, { state: 'skipped', failure });
}

/** Somebody stopped the job, and nobody holds it any more. */
export function cancelled(job: Job, now: number): Job {
  return ended(job, now, {
    state: 'cancelled',
    failure: { code: 'CANCELLED', message: 'somebody cancelled it' },
  });
}

/** How a failed attempt goes on. */
export interface RetryPolicy {
  /** Wait after the first failed attempt, in milliseconds; it doubles with every further one. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/** `backoffMs` doubled with each attempt, spread by up to a quarter so that jobs that failed together part. */
export function backoff(attempt: number, { backoffMs, maxBackoffMs }: RetryPolicy, random: number): number {
  return Math.min(maxBackoffMs, backoffMs * 2 ** Math.max(0, attempt - 1)) * (1 + random / 4);
}

/** An attempt failed. It is tried again after `delayMs` while attempts are left; null says that trying is useless. */
export function failed(job: Job, now: number, failure: JobFailure, delayMs: number | null): Job {
  if (job.cancelRequested) return cancelled(job, now);
  if (delayMs === null || job.attempt >= job.maxAttempts)
    return ended(job, now, { state: 'failed', failure });
  return { ...waiting(job, now), notBefore: now + delayMs, failure };
}

/** The lease ran out: the worker is dead, or as good as dead. The next one may begin at once. */
export function lost(job: Job, now: number): Job {
  return failed(
    job,
    now,
    { code: 'WORKER_LOST', message: `nothing was heard of worker ${job.worker ?? '?'}` },
    0,
  );
}

/** The worker gives the job back because it shuts down; that is no failed attempt. */
export function released(job: Job, now: number): Job {
  if (job.cancelRequested) return cancelled(job, now);
  return { ...waiting(job, now), maxAttempts: job.maxAttempts + 1 };
}

function waiting(job: Job, now: number): Job {
  return { ...job, state: 'pending', leaseUntil: null, notBefore: now, updatedAt: now };
}

/** Somebody wants it to stop: at once when nobody holds it, else as soon as its worker hears of it. */
export function cancelRequested(job: Job, now: number): Job {
  if (job.state === 'pending') return cancelled(job, now);
  if (job.state === 'running') return { ...job, cancelRequested: true, updatedAt: now };
  if (job.state === 'cancelled') return job;
  throw new JobStateError(job.id, job.state, 'cancelled', ['pending', 'running']);
}

/** Somebody wants a job that ended without a result to be tried again; what it had done is resumed. */
export function retried(job: Job, now: number): Job {
  if (job.state !== 'failed' && job.state !== 'cancelled' && job.state !== 'skipped') {
    throw new JobStateError(job.id, job.state, 'retried', ['failed', 'cancelled', 'skipped']);
  }
  return {
    ...waiting(job, now),
    maxAttempts: job.attempt + DEFAULT_ATTEMPTS,
    finishedAt: null,
    failure: null,
    cancelRequested: false,
  };
}

export const DEPENDENCY_FAILED = 'DEPENDENCY_FAILED';

/** What the states of the jobs it waits for mean for a pending job. */
export function dependencyVerdict(
  dependencies: readonly Pick<Job, 'id' | 'state'>[],
): 'ready' | 'blocked' | JobFailure {
  const bad = dependencies.find(({ state }) => ['failed', 'cancelled', 'skipped'].includes(state));
  if (bad !== undefined)
    return { code: DEPENDENCY_FAILED, message: `job ${bad.id}, which it waits for, is ${bad.state}` };
  return dependencies.every(({ state }) => state === 'completed') ? 'ready' : 'blocked';
}
