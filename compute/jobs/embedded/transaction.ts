import { isFinal, type Job, type JobKind } from '../job.ts';
import type { JobTransaction, NewEvent } from '../job-transaction.ts';
import { type EndedJob, MAX_EVENTS } from '../queue.ts';
import { lastChange, type ReadyKey, type Tables } from './tables.ts';

/** Changes that are remembered for watchers. */
const MAX_CHANGES = 10_000;

/** A transaction of LMDB, which is the only one that writes while it lasts. Everything is answered at once. */
export class EmbeddedTransaction implements JobTransaction {
  readonly now = Date.now();
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  find(id: string): Job | undefined {
    return this.#tables.jobs.get(id);
  }

  dependenciesOf(job: Job): Job[] {
    return this.#existing(job.dependsOn);
  }

  dependentsOf(id: string): Job[] {
    const waiting = this.#tables.dependents.getKeys({ start: [id], end: [id, '\uffff'] });
    return this.#existing(waiting.map(([, job]) => job));
  }

  silent(): Job[] {
    const running = this.#existing(this.#tables.running.getKeys());
    return running.filter(({ leaseUntil }) => (leaseUntil ?? 0) < this.now);
  }

  first(kinds: readonly JobKind[]): Job | undefined {
    for (const [, , id] of this.#tables.ready.getKeys()) {
      const job = this.find(id);
      if (job !== undefined && kinds.includes(job.kind) && job.notBefore <= this.now) return job;
    }
    return undefined;
  }

  insert(job: Job): boolean {
    for (const dependency of job.dependsOn) this.#tables.dependents.putSync([dependency, job.id], true);
    this.#tables.unfinished.putSync(job.id, true);
    this.#tables.jobs.putSync(job.id, job);
    return true;
  }

  update(before: Job, job: Job): void {
    const { jobs, running, unfinished, unrecorded } = this.#tables;
    if (before.state === 'pending' && job.state !== 'pending') this.leaveLine(before);
    if (before.state !== 'pending' && job.state === 'pending') this.lineUp(job);
    if (job.state === 'running') running.putSync(job.id, true);
    else if (before.state === 'running') running.removeSync(job.id);
    if (isFinal(job.state)) unfinished.removeSync(job.id);
    else unfinished.putSync(job.id, true);
    if (isFinal(before.state) && !isFinal(job.state)) unrecorded.removeSync(job.id);
    jobs.putSync(job.id, job);
  }

  lineUp(job: Job): void {
    this.#tables.ready.putSync(readyKey(job), true);
  }

  leaveLine(job: Job): void {
    this.#tables.ready.removeSync(readyKey(job));
  }

  tell(job: Job, event: NewEvent): void {
    const { events, unrecorded } = this.#tables;
    const seq = this.#lastEvent(job.id) + 1;
    events.putSync([job.id, seq], { jobId: job.id, seq, attempt: job.attempt, ...event });
    events.removeSync([job.id, seq - MAX_EVENTS]);
    if (isFinal(job.state)) unrecorded.putSync(job.id, seq);
  }

  announce(job: Job): void {
    const change = lastChange(this.#tables) + 1;
    this.#tables.changes.putSync(change, job.id);
    this.#tables.changes.removeSync(change - MAX_CHANGES);
  }

  recorded({ job, lastEvent }: EndedJob): void {
    const { unrecorded } = this.#tables;
    if (unrecorded.get(job.id) === lastEvent) unrecorded.removeSync(job.id);
  }

  #existing(ids: Iterable<string>): Job[] {
    return Array.from(ids).flatMap((id) => this.find(id) ?? []);
  }

  #lastEvent(id: string): number {
    const [last] = this.#tables.events.getKeys({ start: [id, Infinity], end: [id], reverse: true, limit: 1 });
    return last?.[1] ?? 0;
  }
}

function readyKey(job: Job): ReadyKey {
  // `-priority` would give -0, which is another key than 0.
  return [0 - job.priority, job.createdAt, job.id];
}
