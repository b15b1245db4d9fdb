import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastChange, openTables, type Tables } from './embedded/tables.ts';
import { EmbeddedTransaction } from './embedded/transaction.ts';
import { isFinal, type Job, type JobEvent } from './job.ts';
import type { JobTransaction } from './job-transaction.ts';
import {
  type EndedJob,
  type JobTally,
  type ListJobs,
  MAX_EVENTS,
  type QueueOptions,
  type SelectJobs,
  type WatchOptions,
} from './queue.ts';
import { TransactionalQueue } from './transactional-queue.ts';
import { doNow, type Work } from './work.ts';

/** How often a watcher looks for changes of other processes. */
const WATCH_MS = 100;

/**
 * The queue of one machine: an LMDB environment in a local directory that any number of processes open. Every operation
 * is one transaction, so a process that is killed leaves either all of it or nothing.
 */
export class EmbeddedQueue extends TransactionalQueue {
  readonly uri: string;
  readonly #tables: Tables;
  readonly #closing = new AbortController();

  constructor(path: string, options: QueueOptions = {}) {
    super(options);
    mkdirSync(path, { recursive: true });
    this.uri = `file:${path}`;
    this.#tables = openTables(path);
  }

  async get(id: string): Promise<Job | undefined> {
    this.#refresh();
    return this.#tables.jobs.get(id);
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
    for (const id of unfinished ? this.#tables.unfinished.getKeys(range) : this.#tables.jobs.getKeys(range)) {
      const job = id === before ? undefined : this.#tables.jobs.get(id);
      if (job === undefined || (states && !states.includes(job.state))) continue;
      if (kinds === undefined || kinds.includes(job.kind)) yield job;
    }
  }

  async events(id: string, { after = 0, limit = MAX_EVENTS } = {}): Promise<JobEvent[]> {
    const range = {
      start: [id, after + 1] as [string, number],
      end: [id, Infinity] as [string, number],
      limit,
    };
    return Array.from(this.#tables.events.getRange(range), ({ value }) => value);
  }

  async unrecorded(limit: number): Promise<EndedJob[]> {
    this.#refresh();
    return Array.from(this.#tables.unrecorded.getRange({ limit })).flatMap(({ key, value: lastEvent }) => {
      const job = this.#tables.jobs.get(key);
      return job === undefined ? [] : [{ job, lastEvent }];
    });
  }

  async *watch({ id, signal }: WatchOptions = {}): AsyncGenerator<Job> {
    const stop = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    this.#refresh();
    let seen = lastChange(this.#tables);
    while (!stop.aborted) {
      this.#refresh();
      const changed = new Set<string>();
      for (const { key, value } of this.#tables.changes.getRange({ start: seen + 1 })) {
        seen = key;
        if (id === undefined || id === value) changed.add(value);
      }
      for (const one of changed) {
        const job = this.#tables.jobs.get(one);
        if (job !== undefined) yield job;
      }
      await sleep(WATCH_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#tables.root.close();
  }

  /** Reads see what other processes have written by now, not what they had when this turn of the event loop began. */
  #refresh(): void {
    this.#tables.root.resetReadTxn();
  }

  protected async transact<T>(work: (tx: JobTransaction) => Work<T>): Promise<T> {
    return this.#tables.root.transactionSync(() => doNow(work(new EmbeddedTransaction(this.#tables))));
  }
}
