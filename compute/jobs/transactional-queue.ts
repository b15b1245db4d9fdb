import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import { JobNotFoundError, UnknownDependencyError } from './errors.ts';
import { isFinal, type Job, type JobEvent, type JobFailure, type JobKind } from './job.ts';
import type { JobTransaction } from './job-transaction.ts';
import {
  type Beat,
  DEFAULT_BACKOFF_MS,
  DEFAULT_LEASE_MS,
  type EndedJob,
  type JobQueue,
  type JobTally,
  type ListJobs,
  MAX_BACKOFF_MS,
  type QueueOptions,
  type SelectJobs,
  type WatchOptions,
} from './queue.ts';
import * as to from './transitions.ts';
import { got, type Work } from './work.ts';

/**
 * A queue whose every step is one transaction. What has to be stored in which step is decided here, from the states that
 * `transitions.ts` gives, so that all queues follow the same rules; they differ in how they store, read and watch.
 */
export abstract class TransactionalQueue implements JobQueue {
  readonly #leaseMs: number;
  readonly #retry: to.RetryPolicy;
  readonly #onLeaseLost: QueueOptions['onLeaseLost'];

  protected constructor({ leaseMs, backoffMs, onLeaseLost }: QueueOptions) {
    this.#leaseMs = leaseMs ?? DEFAULT_LEASE_MS;
    this.#retry = { backoffMs: backoffMs ?? DEFAULT_BACKOFF_MS, maxBackoffMs: MAX_BACKOFF_MS };
    this.#onLeaseLost = onLeaseLost;
  }

  abstract readonly uri: string;
  abstract get(id: string): Promise<Job | undefined>;
  abstract list(options: ListJobs): Promise<readonly Job[]>;
  abstract count(options?: SelectJobs): Promise<number>;
  abstract tally(): Promise<readonly JobTally[]>;
  abstract events(id: string, options?: { after?: number; limit?: number }): Promise<JobEvent[]>;
  abstract unrecorded(limit: number): Promise<readonly EndedJob[]>;
  abstract watch(options?: WatchOptions): AsyncIterable<Job>;
  abstract close(): Promise<void>;

  /** Does work in one transaction, which is rolled back when the work throws. */
  protected abstract transact<T>(work: (tx: JobTransaction) => Work<T>): Promise<T>;

  submit(request: to.NewJob): Promise<Job> {
    return this.transact((tx) => submit(tx, request));
  }

  claim(worker: string, kinds: readonly JobKind[]): Promise<Job | undefined> {
    return this.transact((tx) => this.#claim(tx, worker, kinds));
  }

  *#claim(tx: JobTransaction, worker: string, kinds: readonly JobKind[]): Work<Job | undefined> {
    for (const job of yield* got(tx.silent())) {
      yield* end(tx, job, to.lost(job, tx.now));
      this.#onLeaseLost?.(job);
    }
    const job = yield* got(tx.first(kinds));
    if (job === undefined) return undefined;
    const running = to.claimed(job, worker, tx.now, this.#leaseMs);
    yield* store(tx, job, running, `attempt ${running.attempt} begins on ${worker}`);
    return running;
  }

  beat(claim: to.Claim, beat: Beat = {}): Promise<{ cancelRequested: boolean }> {
    return this.transact((tx) => this.#beat(tx, claim, beat));
  }

  *#beat(
    tx: JobTransaction,
    claim: to.Claim,
    { progress, log = [] }: Beat,
  ): Work<{ cancelRequested: boolean }> {
    const job = to.held(yield* known(tx, claim.id), claim);
    yield* store(tx, job, to.beaten(job, tx.now, this.#leaseMs, progress));
    for (const { at, level, message } of log) yield* got(tx.tell(job, { at, level, type: 'log', message }));
    return { cancelRequested: job.cancelRequested };
  }

  complete(claim: to.Claim, result: JsonValue): Promise<Job> {
    return this.#finish(claim, (job, now) => to.completed(job, now, result));
  }

  fail(claim: to.Claim, failure: JobFailure, { retry = true } = {}): Promise<Job> {
    return this.#finish(claim, (job, now) =>
      to.failed(job, now, failure, retry ? to.backoff(job.attempt, this.#retry, Math.random()) : null),
    );
  }

  skip(claim: to.Claim, reason: JobFailure): Promise<Job> {
    return this.#finish(claim, (job, now) => to.skipped(job, now, reason));
  }

  confirmCancel(claim: to.Claim): Promise<Job> {
    return this.#finish(claim, to.cancelled);
  }

  release(claim: to.Claim): Promise<Job> {
    return this.#finish(claim, to.released);
  }

  #finish(claim: to.Claim, step: (job: Job, now: number) => Job): Promise<Job> {
    return this.transact(function* (tx) {
      const job = to.held(yield* known(tx, claim.id), claim);
      return yield* end(tx, job, step(job, tx.now));
    });
  }

  cancel(id: string): Promise<Job> {
    return this.transact(function* (tx) {
      const job = yield* known(tx, id);
      return yield* end(tx, job, to.cancelRequested(job, tx.now));
    });
  }

  retry(id: string): Promise<Job> {
    return this.transact(function* (tx) {
      return yield* again(tx, yield* known(tx, id));
    });
  }

  recorded(end: EndedJob): Promise<void> {
    return this.transact((tx) => got(tx.recorded(end)));
  }
}

function* submit(tx: JobTransaction, request: to.NewJob): Work<Job> {
  const before = yield* got(tx.find(request.id));
  if (before !== undefined) return before;
  const job = to.created(request, tx.now);
  // Found in one order by everybody: none of them can end between here and the end of the transaction.
  for (const id of [...job.dependsOn].sort()) {
    if ((yield* got(tx.find(id))) === undefined) throw new UnknownDependencyError(job.id, id);
  }
  // Somebody else submitted the same id at the same moment.
  if (!(yield* got(tx.insert(job)))) return yield* known(tx, job.id);
  yield* say(tx, job, 'queued');
  return yield* settle(tx, job);
}

/** @throws JobNotFoundError */
function* known(tx: JobTransaction, id: string): Work<Job> {
  const job = yield* got(tx.find(id));
  if (job === undefined) throw new JobNotFoundError(id);
  return job;
}

/** Stores a next state; `message` becomes an event. */
function* store(tx: JobTransaction, before: Job, job: Job, message?: string): Work<void> {
  yield* got(tx.update(before, job));
  if (message === undefined) yield* got(tx.announce(job));
  else yield* say(tx, job, message);
}

/** Tells what happened to a job. */
function* say(tx: JobTransaction, job: Job, message: string): Work<void> {
  const level = job.state === 'failed' ? 'error' : job.failure === null ? 'info' : 'warn';
  yield* got(tx.tell(job, { at: job.updatedAt, level, type: 'state', message }));
  yield* got(tx.announce(job));
}

/** Stores a next state, tells what happened, and lets those that wait for the job go on. */
function* end(tx: JobTransaction, job: Job, next: Job): Work<Job> {
  if (next === job) return job;
  const why = next.failure === null ? '' : `: ${next.failure.message}`;
  yield* store(tx, job, next, next.state === job.state ? 'cancellation requested' : `${next.state}${why}`);
  if (isFinal(next.state)) {
    for (const dependent of yield* got(tx.dependentsOf(job.id))) {
      if (dependent.state === 'pending') yield* settle(tx, dependent);
    }
  }
  return next;
}

/** Lets a pending job go on, wait or be skipped, as the jobs say that it waits for. */
function* settle(tx: JobTransaction, job: Job): Work<Job> {
  const verdict = to.dependencyVerdict(yield* got(tx.dependenciesOf(job)));
  if (verdict === 'ready') yield* got(tx.lineUp(job));
  else if (verdict === 'blocked') yield* got(tx.leaveLine(job));
  else return yield* end(tx, job, to.skipped(job, tx.now, verdict));
  return job;
}

/** Queues a job again, and those that were skipped because of it. */
function* again(tx: JobTransaction, job: Job): Work<Job> {
  const next = to.retried(job, tx.now);
  yield* store(tx, job, next, 'queued again');
  for (const dependent of yield* got(tx.dependentsOf(job.id))) {
    if (dependent.state === 'skipped' && dependent.failure?.code === to.DEPENDENCY_FAILED)
      yield* again(tx, dependent);
  }
  return yield* settle(tx, next);
}
