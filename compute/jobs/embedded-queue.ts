import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import { JobNotFoundError, UnknownDependencyError } from './errors.ts';
import { isFinal, type Job, type JobEvent, type JobFailure, type JobKind } from './job.ts';
import {
  type Beat,
  DEFAULT_BACKOFF_MS,
  DEFAULT_LEASE_MS,
  type EndedJob,
  type JobQueue,
  type JobTally,
  type ListJobs,
  MAX_BACKOFF_MS,
  MAX_EVENTS,
  type QueueOptions,
  type SelectJobs,
  type WatchOptions,
} from './queue.ts';
import * as to from './transitions.ts';

/** How often a watcher looks for changes of other processes. */
const WATCH_MS = 100;
/** Changes that are remembered for watchers. */
const MAX_CHANGES = 10_000;

type ReadyKey = [priority: number, createdAt: number, id: string];

/**
 * The queue of one machine: an LMDB environment in a local directory that any number of processes open. Every operation
 * is one transaction, so a process that is killed leaves either all of it or nothing.
 */
export class EmbeddedQueue implements JobQueue {
  readonly uri: string;
  readonly #root: RootDatabase;
  readonly #jobs: Database<Job, string>;
  /** Pending jobs that wait for no other one, the next one first. */
  readonly #ready: Database<true, ReadyKey>;
  readonly #running: Database<true, string>;
  /** Jobs that have not ended. */
  readonly #unfinished: Database<true, string>;
  /** Which jobs wait for which: `[dependency, job]`. */
  readonly #dependents: Database<true, [string, string]>;
  readonly #events: Database<JobEvent, [string, number]>;
  /** Jobs that have ended, with their last event, until that is kept elsewhere. */
  readonly #unrecorded: Database<number, string>;
  /** Ids of changed jobs by a number that grows; for watchers. */
  readonly #changes: Database<string, number>;
  readonly #leaseMs: number;
  readonly #retry: to.RetryPolicy;
  readonly #onLeaseLost: QueueOptions['onLeaseLost'];
  readonly #closing = new AbortController();

  constructor(path: string, options: QueueOptions = {}) {
    mkdirSync(path, { recursive: true });
    this.uri = `file:${path}`;
    this.#root = open({ path, encoding: 'json', maxDbs: 8 });
    const table = <V, K extends string | number | readonly (string | number)[]>(name: string) =>
      this.#root.openDB({ name, encoding: 'json' }) as Database<
        V,
        K & (string | number | (string | number)[])
      >;
    this.#jobs = table('jobs');
    this.#ready = table('ready');
    this.#running = table('running');
    this.#unfinished = table('unfinished');
    this.#dependents = table('dependents');
    this.#events = table('events');
    this.#unrecorded = table('unrecorded');
    this.#changes = table('changes');
    this.#leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.#onLeaseLost = options.onLeaseLost;
    this.#retry = { backoffMs: options.backoffMs ?? DEFAULT_BACKOFF_MS, maxBackoffMs: MAX_BACKOFF_MS };
  }

  async submit(request: to.NewJob): Promise<Job> {
    return this.#write((now) => {
      const known = this.#jobs.get(request.id);
      if (known !== undefined) return known;
      const job = to.created(request, now);
      for (const dependency of job.dependsOn) {
        if (!this.#jobs.doesExist(dependency)) throw new UnknownDependencyError(job.id, dependency);
      }
      for (const dependency of job.dependsOn) this.#dependents.putSync([dependency, job.id], true);
      this.#store(undefined, job, 'queued');
      return this.#settle(job, now);
    });
  }

  async get(id: string): Promise<Job | undefined> {
    this.#refresh();
    return this.#jobs.get(id);
  }

  async list({ before, limit, ...select }: ListJobs): Promise<Job[]> {
    const found: Job[] = [];
    for (const job of this.#select(select, before)) {
      if (found.length === limit) break;
      found.push(job);
    }
    return found;
  }

  async count(select: SelectJobs = {}): Promise<number> {
    let n = 0;
    for (const _ of this.#select(select)) n++;
    return n;
  }

  async tally(): Promise<JobTally[]> {
    const tallies = new Map<string, JobTally>();
    for (const { kind, state } of this.#select({})) {
      const key = `${kind} ${state}`;
      tallies.set(key, { kind, state, jobs: (tallies.get(key)?.jobs ?? 0) + 1 });
    }
    return [...tallies.values()];
  }

  /** Jobs, the latest first; those that have not ended without looking at the others. */
  *#select({ states, kinds }: SelectJobs, before?: string): Generator<Job> {
    this.#refresh();
    const range = { reverse: true, ...(before && { start: before }) };
    const unfinished = states?.every((state) => !isFinal(state)) === true;
    for (const id of unfinished ? this.#unfinished.getKeys(range) : this.#jobs.getKeys(range)) {
      const job = id === before ? undefined : this.#jobs.get(id);
      if (job === undefined || (states && !states.includes(job.state))) continue;
      if (kinds === undefined || kinds.includes(job.kind)) yield job;
    }
  }

  async claim(worker: string, kinds: readonly JobKind[]): Promise<Job | undefined> {
    return this.#write((now) => {
      this.#takeFromDead(now);
      for (const [, , id] of this.#ready.getKeys()) {
        const job = this.#jobs.get(id);
        if (job === undefined || !kinds.includes(job.kind) || job.notBefore > now) continue;
        const running = to.claimed(job, worker, now, this.#leaseMs);
        this.#store(job, running, `attempt ${running.attempt} begins on ${worker}`);
        return running;
      }
      return undefined;
    });
  }

  #takeFromDead(now: number): void {
    for (const id of [...this.#running.getKeys()]) {
      const job = this.#jobs.get(id);
      if (job === undefined || (job.leaseUntil ?? 0) >= now) continue;
      this.#end(job, to.lost(job, now), now);
      this.#onLeaseLost?.(job);
    }
  }

  async beat(claim: to.Claim, { progress, log = [] }: Beat = {}): Promise<{ cancelRequested: boolean }> {
    return this.#write((now) => {
      const job = this.#held(claim);
      const next = to.beaten(job, now, this.#leaseMs, progress);
      this.#store(job, next);
      for (const { at, level, message } of log) this.#event(job, { at, level, type: 'log', message });
      return { cancelRequested: next.cancelRequested };
    });
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

  async #finish(claim: to.Claim, step: (job: Job, now: number) => Job): Promise<Job> {
    return this.#write((now) => {
      const job = this.#held(claim);
      return this.#end(job, step(job, now), now);
    });
  }

  async cancel(id: string): Promise<Job> {
    return this.#write((now) => {
      const job = this.#known(id);
      return this.#end(job, to.cancelRequested(job, now), now);
    });
  }

  async retry(id: string): Promise<Job> {
    return this.#write((now) => this.#again(this.#known(id), now));
  }

  #again(job: Job, now: number): Job {
    const next = to.retried(job, now);
    this.#store(job, next, 'queued again');
    for (const dependent of this.#dependentsOf(job.id)) {
      if (dependent.state === 'skipped' && dependent.failure?.code === to.DEPENDENCY_FAILED)
        this.#again(dependent, now);
    }
    return this.#settle(next, now);
  }

  async events(id: string, { after = 0, limit = MAX_EVENTS } = {}): Promise<JobEvent[]> {
    const range = {
      start: [id, after + 1] as [string, number],
      end: [id, Infinity] as [string, number],
      limit,
    };
    return Array.from(this.#events.getRange(range), ({ value }) => value);
  }

  async unrecorded(limit: number): Promise<EndedJob[]> {
    this.#refresh();
    return Array.from(this.#unrecorded.getRange({ limit }), ({ key, value }) => ({
      job: this.#known(key),
      lastEvent: value,
    }));
  }

  async recorded({ job, lastEvent }: EndedJob): Promise<void> {
    this.#write(() => {
      if (this.#unrecorded.get(job.id) === lastEvent) this.#unrecorded.removeSync(job.id);
    });
  }

  async *watch({ id, signal }: WatchOptions = {}): AsyncGenerator<Job> {
    const stop = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    this.#refresh();
    let seen = this.#lastChange();
    while (!stop.aborted) {
      this.#refresh();
      const changed = new Set<string>();
      for (const { key, value } of this.#changes.getRange({ start: seen + 1 })) {
        seen = key;
        if (id === undefined || id === value) changed.add(value);
      }
      for (const one of changed) {
        const job = this.#jobs.get(one);
        if (job !== undefined) yield job;
      }
      await sleep(WATCH_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#root.close();
  }

  /** Reads see what other processes have written by now, not what they had when this turn of the event loop began. */
  #refresh(): void {
    this.#root.resetReadTxn();
  }

  #write<T>(work: (now: number) => T): T {
    return this.#root.transactionSync(() => work(Date.now()));
  }

  #known(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new JobNotFoundError(id);
    return job;
  }

  #held(claim: to.Claim): Job {
    return to.held(this.#known(claim.id), claim);
  }

  /** Stores a next state, tells what happened, and lets those that wait for the job go on. */
  #end(job: Job, next: Job, now: number): Job {
    if (next === job) return job;
    const why = next.failure === null ? '' : `: ${next.failure.message}`;
    this.#store(job, next, next.state === job.state ? 'cancellation requested' : `${next.state}${why}`);
    if (isFinal(next.state)) {
      for (const dependent of this.#dependentsOf(job.id)) {
        if (dependent.state === 'pending') this.#settle(dependent, now);
      }
    }
    return next;
  }

  /** Lets a pending job go on, wait or be skipped, as the jobs say that it waits for. */
  #settle(job: Job, now: number): Job {
    const verdict = to.dependencyVerdict(job.dependsOn.map((id) => this.#known(id)));
    if (verdict === 'blocked') this.#ready.removeSync(readyKey(job));
    else if (verdict === 'ready') this.#ready.putSync(readyKey(job), true);
    else return this.#end(job, to.skipped(job, now, verdict), now);
    return job;
  }

  #dependentsOf(id: string): Job[] {
    return Array.from(this.#dependents.getKeys({ start: [id], end: [id, '\uffff'] }), ([, job]) =>
      this.#known(job),
    );
  }

  /** Writes a job with its indexes; `message` becomes an event. */
  #store(before: Job | undefined, job: Job, message?: string): void {
    if (before?.state === 'pending' && job.state !== 'pending') this.#ready.removeSync(readyKey(before));
    if (before !== undefined && before.state !== 'pending' && job.state === 'pending')
      this.#ready.putSync(readyKey(job), true);
    if (job.state === 'running') this.#running.putSync(job.id, true);
    else if (before?.state === 'running') this.#running.removeSync(job.id);
    if (isFinal(job.state)) this.#unfinished.removeSync(job.id);
    else this.#unfinished.putSync(job.id, true);
    this.#jobs.putSync(job.id, job);
    if (message !== undefined) {
      const level = job.state === 'failed' ? 'error' : job.failure === null ? 'info' : 'warn';
      this.#event(job, { at: job.updatedAt, level, type: 'state', message });
    }
    if (isFinal(job.state)) this.#unrecorded.putSync(job.id, this.#lastEvent(job.id));
    else if (before !== undefined && isFinal(before.state)) this.#unrecorded.removeSync(job.id);
    const change = this.#lastChange() + 1;
    this.#changes.putSync(change, job.id);
    this.#changes.removeSync(change - MAX_CHANGES);
  }

  #event(job: Job, event: Omit<JobEvent, 'jobId' | 'seq' | 'attempt'>): void {
    const seq = this.#lastEvent(job.id) + 1;
    this.#events.putSync([job.id, seq], { jobId: job.id, seq, attempt: job.attempt, ...event });
    this.#events.removeSync([job.id, seq - MAX_EVENTS]);
  }

  #lastEvent(id: string): number {
    const [last] = this.#events.getKeys({ start: [id, Infinity], end: [id], reverse: true, limit: 1 });
    return last?.[1] ?? 0;
  }

  #lastChange(): number {
    const [last] = this.#changes.getKeys({ reverse: true, limit: 1 });
    return last ?? 0;
  }
}

function readyKey(job: Job): ReadyKey {
  // `-priority` would give -0, which is another key than 0.
  return [0 - job.priority, job.createdAt, job.id];
}
