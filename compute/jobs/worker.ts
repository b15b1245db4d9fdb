import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import { CancelledError, explained, messageOf, RunlakeError } from '../../lake/errors.ts';
import { inSpan, type OpenSpan, openSpan, SpanKind } from '../../lake/telemetry.ts';
import { LeaseLostError } from './errors.ts';
import type { Job, JobEvent, JobFailure, JobKind, JobProgress } from './job.ts';
import { Meter, type ProgressUpdate } from './meter.ts';
import type { JobQueue } from './queue.ts';

/** What a task has of the job that it does. */
export interface TaskContext {
  readonly job: Job;
  /** Aborted when somebody cancels the job, when the worker shuts down, and when another worker has the job. */
  readonly signal: AbortSignal;
  progress(update: ProgressUpdate): void;
  log(level: JobEvent['level'], message: string): void;
}

/**
 * Does the work of one kind of job and resolves to its result. It may be begun again at any time, on another machine:
 * what was done before is found in the store and not done twice.
 */
export type Task = (context: TaskContext) => Promise<JsonValue>;

/** A task failed in a way that trying again cannot help: a bad specification, a model that does not exist. */
export class PermanentTaskError extends RunlakeError {
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** A task found that there is nothing to do. */
export class NothingToDoError extends PermanentTaskError {}

export interface WorkerOptions {
  /** Unique among workers; names the machine. */
  readonly id: string;
  readonly tasks: Readonly<Partial<Record<JobKind, Task>>>;
  /** Ends when no job of these kinds is pending or running any more. */
  readonly drain?: boolean;
  /** Shuts the worker down: the job at hand is stopped and given back. */
  readonly signal: AbortSignal;
  readonly logger?: WorkerLogger;
  /** Told of every attempt when it has ended: the state of the job then, or `lost`. */
  readonly onAttempt?: (job: Job, end: string, ms: number) => void;
  /** Puts jobs that have ended into the lake; called between jobs and while there are none. What fails is tried again later. */
  readonly record?: (signal: AbortSignal) => Promise<unknown>;
  /** Wait between looks at an empty queue, in milliseconds. Default 500. */
  readonly idleMs?: number;
  /** Time between heartbeats, in milliseconds; a cancellation is heard of within it. Default 1,000. */
  readonly beatMs?: number;
}

export interface WorkerLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

const DEFAULT_IDLE_MS = 500;
const DEFAULT_BEAT_MS = 1000;
const UNREACHABLE_MS = 2000;
/** Wait after ended jobs could not be recorded. */
const RECORD_AGAIN_MS = 60_000;

/** Takes jobs one after the other until it is told to stop, or until there are none left with `drain`. */
export async function runWorker(queue: JobQueue, options: WorkerOptions): Promise<{ readonly jobs: number }> {
  const { signal, idleMs = DEFAULT_IDLE_MS, logger } = options;
  let jobs = 0;
  let recordFrom = 0;
  while (!signal.aborted) {
    if (Date.now() >= recordFrom && !(await recordEnded(options))) recordFrom = Date.now() + RECORD_AGAIN_MS;
    const job = await nextJob(queue, options);
    if (job === 'none left') break;
    if (typeof job === 'string') {
      const pause = job === 'unreachable' ? UNREACHABLE_MS : idleMs;
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      continue;
    }
    jobs++;
    logger?.info({ job: job.id, kind: job.kind, attempt: job.attempt }, 'job begins');
    const began = performance.now();
    const end = await new Attempt(queue, job, options).run();
    options.onAttempt?.(job, end, performance.now() - began);
    logger?.info({ job: job.id, state: end }, 'job ends');
  }
  return { jobs };
}

async function recordEnded({ record, signal, logger }: WorkerOptions): Promise<boolean> {
  try {
    await record?.(signal);
    return true;
  } catch (error) {
    if (!signal.aborted) logger?.warn({ error: messageOf(error) }, 'ended jobs could not be recorded');
    return false;
  }
}

/** A queue that cannot be reached for a while ends no worker. */
async function nextJob(
  queue: JobQueue,
  { id, tasks, drain = false, logger }: WorkerOptions,
): Promise<Job | 'none now' | 'none left' | 'unreachable'> {
  const kinds = Object.keys(tasks) as JobKind[];
  try {
    const job = await queue.claim(id, kinds);
    if (job !== undefined) return job;
    const isEmpty = drain && (await queue.count({ states: ['pending', 'running'], kinds })) === 0;
    return isEmpty ? 'none left' : 'none now';
  } catch (error) {
    logger?.warn({ queue: queue.uri, error: messageOf(error) }, 'the queue does not answer');
    return 'unreachable';
  }
}

type StopReason = 'cancelled' | 'shutdown' | 'lost';

/** Spans of the stages that a task tells of, one after the other. */
class StageSpans {
  #series: string | undefined;
  #open: OpenSpan | undefined;

  at({ stage, series = stage }: ProgressUpdate): void {
    if (series === this.#series) return;
    this.end();
    this.#series = series;
    this.#open = openSpan('stage', { 'runlake.job.stage': stage });
  }

  end(): void {
    this.#open?.end();
  }
}

/** One attempt at one job. */
class Attempt {
  readonly #queue: JobQueue;
  readonly #job: Job;
  readonly #options: WorkerOptions;
  readonly #abort = new AbortController();
  readonly #meter = new Meter();
  readonly #stages = new StageSpans();
  #stopped: StopReason | undefined;
  #error: unknown;
  #progress: JobProgress | undefined;
  #log: Pick<JobEvent, 'at' | 'level' | 'message'>[] = [];

  constructor(queue: JobQueue, job: Job, options: WorkerOptions) {
    this.#queue = queue;
    this.#job = job;
    this.#options = options;
  }

  /** Resolves to what became of the job. */
  run(): Promise<string> {
    const { id, kind, attempt, origin } = this.#job;
    const attributes = { 'runlake.job.id': id, 'runlake.job.kind': kind, 'runlake.job.attempt': attempt };
    const work = async (span: OpenSpan): Promise<string> => {
      const end = await this.#run();
      span.set({ 'runlake.job.end': end });
      if (this.#error !== undefined && end !== 'completed') span.end(this.#error);
      return end;
    };
    return inSpan(`job ${kind}`, attributes, work, { kind: SpanKind.CONSUMER, origin });
  }

  async #run(): Promise<string> {
    const { signal, beatMs = DEFAULT_BEAT_MS } = this.#options;
    const shutdown = () => this.#stop('shutdown');
    signal.addEventListener('abort', shutdown, { once: true });
    if (signal.aborted) shutdown();
    const ended = new AbortController();
    const heart = this.#beatUntil(ended.signal, beatMs);
    const outcome = await this.#work();
    this.#stages.end();
    ended.abort();
    signal.removeEventListener('abort', shutdown);
    await heart;
    return this.#report(outcome);
  }

  async #work(): Promise<{ readonly result: JsonValue } | { readonly error: unknown }> {
    const task = this.#options.tasks[this.#job.kind];
    try {
      if (task === undefined)
        throw new PermanentTaskError('UNKNOWN_KIND', `this worker does no ${this.#job.kind}`);
      const result = await task({
        job: this.#job,
        signal: this.#abort.signal,
        progress: (update) => {
          this.#stages.at(update);
          this.#progress = this.#meter.update(update);
        },
        log: (level, message) => void this.#log.push({ at: Date.now(), level, message }),
      });
      return { result };
    } catch (error) {
      this.#error = error;
      return { error };
    }
  }

  #stop(reason: StopReason): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#abort.abort(new CancelledError(`job ${this.#job.id}`, reason));
  }

  async #beatUntil(ended: AbortSignal, beatMs: number): Promise<void> {
    while (!ended.aborted) {
      await sleep(beatMs, undefined, { signal: ended }).catch(() => undefined);
      if (this.#stopped !== 'lost') await this.#beat();
    }
  }

  async #beat(): Promise<void> {
    const log = this.#log;
    this.#log = [];
    try {
      const progress = this.#progress === undefined ? {} : { progress: this.#progress };
      const { cancelRequested } = await this.#queue.beat(this.#job, { ...progress, log });
      if (cancelRequested) this.#stop('cancelled');
    } catch (error) {
      if (error instanceof LeaseLostError) {
        this.#stop('lost');
        return;
      }
      // The queue may be away for a moment; the lease outlives some missed beats.
      this.#log = [...log, ...this.#log];
      this.#options.logger?.warn({ job: this.#job.id, error: messageOf(error) }, 'heartbeat failed');
    }
  }

  async #report(outcome: { readonly result: JsonValue } | { readonly error: unknown }): Promise<string> {
    const { id } = this.#job;
    try {
      if (this.#stopped === 'lost') return 'lost';
      if ('result' in outcome) return (await this.#queue.complete(this.#job, outcome.result)).state;
      const { error } = outcome;
      if (this.#stopped === 'cancelled') return (await this.#queue.confirmCancel(this.#job)).state;
      if (this.#stopped === 'shutdown') return (await this.#queue.release(this.#job)).state;
      if (error instanceof NothingToDoError)
        return (await this.#queue.skip(this.#job, failureOf(error))).state;
      const retry = !(error instanceof PermanentTaskError);
      return (await this.#queue.fail(this.#job, failureOf(error), { retry })).state;
    } catch (error) {
      // Whoever takes the job over finds what this attempt has left in the store.
      this.#options.logger?.warn({ job: id, error: messageOf(error) }, 'the end of the job was not recorded');
      return 'lost';
    }
  }
}

function failureOf(error: unknown): JobFailure {
  const code = error instanceof RunlakeError ? error.code : 'TASK_FAILED';
  // A permanent error has the message of the one that it stands for, which knows more.
  const { cause } = error instanceof PermanentTaskError ? error : {};
  const known = cause instanceof RunlakeError && cause.message === messageOf(error) ? cause : error;
  return { code, message: explained(known) };
}
