import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import PgBoss from 'pg-boss';
import { z } from 'zod';
import type { JsonValue } from '../../ingest/contracts/json-value.ts';
import { JobNotFoundError, UnknownDependencyError } from './errors.ts';
import {
  isFinal,
  JOB_KINDS,
  JOB_STATES,
  type Job,
  type JobEvent,
  type JobFailure,
  type JobKind,
} from './job.ts';
import { jobColumns, jobRow, parseJob, schemaSql } from './postgres-schema.ts';
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

export interface PostgresQueueOptions extends QueueOptions {
  /** Schema of our tables; pg-boss has `<schema>_boss`. Default `runlake`. */
  readonly schema?: string;
}

const CHANNEL_POLL_MS = 1000;

const tallySchema = z.object({ kind: z.enum(JOB_KINDS), state: z.enum(JOB_STATES), jobs: z.int() });

/** `SelectJobs` as a condition on $1 and $2. */
const SELECTED = '($1::text[] IS NULL OR state = ANY($1)) AND ($2::text[] IS NULL OR kind = ANY($2))';

/** One transaction, with the database's own clock: the machines of a cluster need not agree about the time. */
interface Transaction {
  readonly now: number;
  query(text: string, values?: readonly unknown[]): Promise<readonly unknown[]>;
  /** pg-boss works inside the same transaction. */
  readonly boss: PgBoss.ConnectionOptions;
}

/**
 * The queue of many machines: PostgreSQL. pg-boss keeps the line (order, priorities, times, SKIP LOCKED): a job that may
 * run has one ticket in the line of its kind, whose data name the job. Everything else that is known of a job is a row of
 * ours, and each step changes both in one transaction. Why both: docs/decisions/120-jobs.md.
 */
export class PostgresQueue implements JobQueue {
  readonly uri: string;
  readonly #pool: pg.Pool;
  readonly #boss: PgBoss;
  readonly #schema: string;
  readonly #leaseMs: number;
  readonly #retry: to.RetryPolicy;
  readonly #onLeaseLost: QueueOptions['onLeaseLost'];
  readonly #closing = new AbortController();

  private constructor(url: string, options: PostgresQueueOptions) {
    const { schema = 'runlake', leaseMs = DEFAULT_LEASE_MS, backoffMs = DEFAULT_BACKOFF_MS } = options;
    this.uri = withoutPassword(url);
    this.#schema = pg.escapeIdentifier(schema);
    this.#pool = new pg.Pool({ connectionString: url, max: 4, application_name: 'runlake' });
    // An idle connection that the server closes is replaced; without a listener it would end the process.
    this.#pool.on('error', () => undefined);
    this.#boss = new PgBoss({
      schema: `${schema}_boss`,
      db: { executeSql: (text, values) => this.#pool.query(text, values) },
      schedule: false,
    });
    this.#boss.on('error', () => undefined);
    this.#leaseMs = leaseMs;
    this.#onLeaseLost = options.onLeaseLost;
    this.#retry = { backoffMs, maxBackoffMs: MAX_BACKOFF_MS };
  }

  /** Opens the queue, making its tables when they are not there. */
  static async open(url: string, options: PostgresQueueOptions = {}): Promise<PostgresQueue> {
    const queue = new PostgresQueue(url, options);
    try {
      await queue.#prepare();
    } catch (error) {
      await queue.close();
      throw error;
    }
    return queue;
  }

  async #prepare(): Promise<void> {
    // One process at a time makes the tables; pg-boss's own statements can block each other otherwise.
    const lock = new pg.Client({ connectionString: this.#pool.options.connectionString });
    lock.on('error', () => undefined);
    await lock.connect();
    try {
      await lock.query(`SELECT pg_advisory_lock(hashtext('runlake-jobs'))`);
      await this.#boss.start();
      await this.#pool.query(schemaSql(this.#schema));
      const known = new Set((await this.#boss.getQueues()).map(({ name }) => name));
      for (const kind of JOB_KINDS) if (!known.has(kind)) await this.#boss.createQueue(kind);
    } finally {
      await lock.end();
    }
  }

  submit(request: to.NewJob): Promise<Job> {
    return this.#write(async (tx) => {
      const known = await this.#find(tx, request.id);
      if (known !== undefined) return known;
      const job = to.created(request, tx.now);
      // Locked, and in one order: none of them can end between here and the end of the transaction.
      for (const id of [...job.dependsOn].sort()) {
        if ((await this.#find(tx, id)) === undefined) throw new UnknownDependencyError(job.id, id);
      }
      const inserted = await tx.query(
        `INSERT INTO ${this.#schema}.jobs (${jobColumns.join(', ')}) VALUES (${jobColumns.map((_, i) => `$${i + 1}`).join(', ')})
         ON CONFLICT (id) DO NOTHING RETURNING id`,
        jobRow(job),
      );
      // Somebody else submitted the same id at the same moment.
      if (inserted.length === 0) return this.#known(tx, request.id);
      for (const id of job.dependsOn) {
        await tx.query(
          `INSERT INTO ${this.#schema}.job_dependencies (dependency, job_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
          [id, job.id],
        );
      }
      await this.#tell(tx, job, 'queued');
      return this.#settle(tx, job);
    });
  }

  async get(id: string): Promise<Job | undefined> {
    const { rows } = await this.#pool.query(`SELECT record FROM ${this.#schema}.jobs WHERE id = $1`, [id]);
    return rows.map(parseJob)[0];
  }

  async list({ states, kinds, before, limit }: ListJobs): Promise<Job[]> {
    const { rows } = await this.#pool.query(
      `SELECT record FROM ${this.#schema}.jobs
       WHERE ${SELECTED} AND ($3::text IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
      [states ?? null, kinds ?? null, before ?? null, limit],
    );
    return rows.map(parseJob);
  }

  async count({ states, kinds }: SelectJobs = {}): Promise<number> {
    const { rows } = await this.#pool.query<{ n: string }>(
      `SELECT count(*) AS n FROM ${this.#schema}.jobs WHERE ${SELECTED}`,
      [states ?? null, kinds ?? null],
    );
    return Number(rows[0]?.n ?? 0);
  }

  async tally(): Promise<JobTally[]> {
    const { rows } = await this.#pool.query(
      `SELECT kind, state, count(*)::int AS jobs FROM ${this.#schema}.jobs GROUP BY kind, state`,
    );
    return rows.map((row) => tallySchema.parse(row));
  }

  claim(worker: string, kinds: readonly JobKind[]): Promise<Job | undefined> {
    return this.#write(async (tx) => {
      await this.#takeFromDead(tx);
      // The kind whose line has the first job; pg-boss then decides, since others look at the same moment.
      const lines = await tx.query(
        `SELECT kind FROM ${this.#schema}.jobs WHERE state = 'pending' AND ticket IS NOT NULL AND kind = ANY($1) AND not_before <= $2
         GROUP BY kind ORDER BY max(priority) DESC, min(id)`,
        [kinds, tx.now],
      );
      for (const { kind } of lines.map((row) => z.object({ kind: z.enum(JOB_KINDS) }).parse(row))) {
        const [ticket] = await this.#boss.fetch<{ jobId: string }>(kind, { batchSize: 1, ...tx.boss });
        if (ticket === undefined) continue;
        const job = await this.#known(tx, ticket.data.jobId);
        const running = to.claimed(job, worker, tx.now, this.#leaseMs);
        await this.#store(tx, job, running, `attempt ${running.attempt} begins on ${worker}`);
        return running;
      }
      return undefined;
    });
  }

  async #takeFromDead(tx: Transaction): Promise<void> {
    const rows = await tx.query(
      `SELECT record FROM ${this.#schema}.jobs WHERE state = 'running' AND lease_until < $1 FOR UPDATE SKIP LOCKED`,
      [tx.now],
    );
    for (const job of rows.map(parseJob)) {
      await this.#end(tx, job, to.lost(job, tx.now));
      this.#onLeaseLost?.(job);
    }
  }

  beat(claim: to.Claim, { progress, log = [] }: Beat = {}): Promise<{ cancelRequested: boolean }> {
    return this.#write(async (tx) => {
      const job = to.held(await this.#known(tx, claim.id), claim);
      await this.#store(tx, job, to.beaten(job, tx.now, this.#leaseMs, progress));
      for (const { at, level, message } of log)
        await this.#event(tx, job, { at, level, type: 'log', message });
      return { cancelRequested: job.cancelRequested };
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

  #finish(claim: to.Claim, step: (job: Job, now: number) => Job): Promise<Job> {
    return this.#write(async (tx) => {
      const job = to.held(await this.#known(tx, claim.id), claim);
      return this.#end(tx, job, step(job, tx.now));
    });
  }

  cancel(id: string): Promise<Job> {
    return this.#write(async (tx) => {
      const job = await this.#known(tx, id);
      return this.#end(tx, job, to.cancelRequested(job, tx.now));
    });
  }

  retry(id: string): Promise<Job> {
    return this.#write(async (tx) => this.#again(tx, await this.#known(tx, id)));
  }

  async #again(tx: Transaction, job: Job): Promise<Job> {
    const next = to.retried(job, tx.now);
    await this.#store(tx, job, next, 'queued again');
    for (const dependent of await this.#dependentsOf(tx, job.id)) {
      if (dependent.state === 'skipped' && dependent.failure?.code === to.DEPENDENCY_FAILED)
        await this.#again(tx, dependent);
    }
    return this.#settle(tx, next);
  }

  async events(id: string, { after = 0, limit = MAX_EVENTS } = {}): Promise<JobEvent[]> {
    const { rows } = await this.#pool.query<JobEvent & { at: string; seq: string }>(
      `SELECT job_id AS "jobId", seq, at, attempt, level, type, message FROM ${this.#schema}.job_events
       WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
      [id, after, limit],
    );
    return rows.map((row) => ({ ...row, at: Number(row.at), seq: Number(row.seq) }));
  }

  async unrecorded(limit: number): Promise<EndedJob[]> {
    const { rows } = await this.#pool.query<{ record: string; last: string }>(
      `SELECT record, ${this.#lastEvent('j.id')} AS last FROM ${this.#schema}.jobs j WHERE NOT recorded ORDER BY id LIMIT $1`,
      [limit],
    );
    return rows.map((row) => ({ job: parseJob(row), lastEvent: Number(row.last) }));
  }

  recorded({ job, lastEvent }: EndedJob): Promise<void> {
    return this.#write(async (tx) => {
      // Locked first: its events are those of the job as it is now.
      if ((await this.#find(tx, job.id)) === undefined) return;
      await tx.query(
        `UPDATE ${this.#schema}.jobs SET recorded = true WHERE id = $1 AND ${this.#lastEvent('$1')} = $2`,
        [job.id, lastEvent],
      );
    });
  }

  /** The number of a job's last event, as an expression. */
  #lastEvent(id: string): string {
    return `(SELECT coalesce(max(seq), 0) FROM ${this.#schema}.job_events WHERE job_id = ${id})`;
  }

  async *watch({ id, signal }: WatchOptions = {}): AsyncGenerator<Job> {
    const stop = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    for (let connections = 0; !stop.aborted; connections++) {
      // The pool's connections are shared; a listener needs one of its own.
      const client = new pg.Client({ connectionString: this.#pool.options.connectionString });
      const changed = new Set<string>();
      let wake = (): void => undefined;
      let broken = false;
      client.on('notification', ({ payload = '' }) => {
        if (id === undefined || id === payload) changed.add(payload);
        wake();
      });
      client.on('error', () => {
        broken = true;
        wake();
      });
      try {
        await client.connect();
        await client.query(`LISTEN ${pg.escapeIdentifier(channelName(this.#schema))}`);
        // What happened to it while there was no connection nobody tells.
        if (connections > 0 && id !== undefined) changed.add(id);
        while (!stop.aborted && !broken) {
          const ids = [...changed];
          changed.clear();
          for (const one of ids) {
            const job = await this.get(one);
            if (job !== undefined) yield job;
          }
          if (changed.size > 0) continue;
          await new Promise<void>((resolve) => {
            wake = resolve;
            stop.addEventListener('abort', () => resolve(), { once: true });
          });
        }
      } catch {
        await sleep(CHANNEL_POLL_MS, undefined, { signal: stop }).catch(() => undefined);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#boss.stop({ graceful: false, wait: true, close: false }).catch(() => undefined);
    await this.#pool.end();
  }

  async #write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      const { rows } = await client.query<{ now: string }>(
        `SELECT floor(extract(epoch FROM now()) * 1000)::bigint AS now`,
      );
      const result = await work({
        now: Number(rows[0]?.now),
        query: async (text, values = []) => (await client.query(text, [...values])).rows,
        boss: { db: { executeSql: (text, values) => client.query(text, values) } },
      });
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      const lost = await client.query('ROLLBACK').then(
        () => false,
        () => true,
      );
      client.release(lost);
      throw error;
    }
  }

  /** The job, locked until the transaction ends. */
  async #find(tx: Transaction, id: string): Promise<Job | undefined> {
    const rows = await tx.query(`SELECT record FROM ${this.#schema}.jobs WHERE id = $1 FOR UPDATE`, [id]);
    return rows.map(parseJob)[0];
  }

  async #known(tx: Transaction, id: string): Promise<Job> {
    const job = await this.#find(tx, id);
    if (job === undefined) throw new JobNotFoundError(id);
    return job;
  }

  /** Stores a next state, tells what happened, and lets those that wait for the job go on. */
  async #end(tx: Transaction, job: Job, next: Job): Promise<Job> {
    if (next === job) return job;
    const why = next.failure === null ? '' : `: ${next.failure.message}`;
    const message = next.state === job.state ? 'cancellation requested' : `${next.state}${why}`;
    await this.#store(tx, job, next, message);
    if (isFinal(next.state)) {
      for (const dependent of await this.#dependentsOf(tx, job.id)) {
        if (dependent.state === 'pending') await this.#settle(tx, dependent);
      }
    }
    return next;
  }

  /** Lets a pending job go on, wait or be skipped, as the jobs say that it waits for. */
  async #settle(tx: Transaction, job: Job): Promise<Job> {
    // Not locked: whoever ends one of them locks this job next, so the last one to end sees the others.
    const rows = await tx.query(`SELECT record FROM ${this.#schema}.jobs WHERE id = ANY($1)`, [
      job.dependsOn,
    ]);
    const verdict = to.dependencyVerdict(rows.map(parseJob));
    if (verdict === 'ready') await this.#queueUp(tx, job);
    else if (verdict === 'blocked') await this.#leaveLine(tx, job);
    else return this.#end(tx, job, to.skipped(job, tx.now, verdict));
    return job;
  }

  async #dependentsOf(tx: Transaction, id: string): Promise<Job[]> {
    const rows = await tx.query(
      `SELECT j.record FROM ${this.#schema}.jobs j JOIN ${this.#schema}.job_dependencies d ON d.job_id = j.id
       WHERE d.dependency = $1 ORDER BY j.id FOR UPDATE OF j`,
      [id],
    );
    return rows.map(parseJob);
  }

  /** Writes a job and moves its ticket; `message` becomes an event. */
  async #store(tx: Transaction, before: Job, job: Job, message?: string): Promise<void> {
    const [, ...columns] = jobColumns;
    await tx.query(
      `UPDATE ${this.#schema}.jobs SET ${columns.map((name, i) => `${name} = $${i + 2}`).join(', ')} WHERE id = $1`,
      jobRow(job),
    );
    if (before.state !== job.state) {
      if (job.state === 'running')
        await tx.query(`UPDATE ${this.#schema}.jobs SET ticket = NULL WHERE id = $1`, [job.id]);
      else if (job.state === 'pending') await this.#queueUp(tx, job);
      else await this.#leaveLine(tx, job);
    }
    if (message !== undefined) await this.#tell(tx, job, message);
    else await tx.query('SELECT pg_notify($1, $2)', [channelName(this.#schema), job.id]);
  }

  /** Gives a job that may run its ticket. */
  async #queueUp(tx: Transaction, job: Job): Promise<void> {
    await this.#leaveLine(tx, job);
    const ticket = await this.#boss.send(
      job.kind,
      { jobId: job.id },
      {
        priority: job.priority,
        startAfter: new Date(job.notBefore),
        retryLimit: 0,
        // Tickets of running jobs are of no use any more: leases, not pg-boss, tell which workers are dead.
        expireInHours: 23,
        retentionDays: 3650,
        ...tx.boss,
      },
    );
    await tx.query(`UPDATE ${this.#schema}.jobs SET ticket = $2 WHERE id = $1`, [job.id, ticket]);
  }

  async #leaveLine(tx: Transaction, job: Job): Promise<void> {
    const rows = await tx.query(
      `UPDATE ${this.#schema}.jobs j SET ticket = NULL FROM (SELECT id, ticket FROM ${this.#schema}.jobs WHERE id = $1) o
       WHERE j.id = o.id AND o.ticket IS NOT NULL RETURNING o.ticket`,
      [job.id],
    );
    for (const row of rows) {
      const { ticket } = z.object({ ticket: z.string() }).parse(row);
      await this.#boss.cancel(job.kind, ticket, tx.boss);
    }
  }

  async #tell(tx: Transaction, job: Job, message: string): Promise<void> {
    const level = job.state === 'failed' ? 'error' : job.failure === null ? 'info' : 'warn';
    await this.#event(tx, job, { at: job.updatedAt, level, type: 'state', message });
    await tx.query('SELECT pg_notify($1, $2)', [channelName(this.#schema), job.id]);
  }

  async #event(
    tx: Transaction,
    job: Job,
    { at, level, type, message }: Omit<JobEvent, 'jobId' | 'seq' | 'attempt'>,
  ): Promise<void> {
    // The row of the job is locked, so numbers are given one after the other. PostgreSQL's text has no NUL.
    await tx.query(
      `WITH next AS (SELECT coalesce(max(seq), 0) + 1 AS seq FROM ${this.#schema}.job_events WHERE job_id = $1),
       gone AS (DELETE FROM ${this.#schema}.job_events WHERE job_id = $1 AND seq <= (SELECT seq FROM next) - ${MAX_EVENTS})
       INSERT INTO ${this.#schema}.job_events (job_id, seq, at, attempt, level, type, message)
       SELECT $1, seq, $2, $3, $4, $5, $6 FROM next`,
      [job.id, at, job.attempt, level, type, message.replaceAll('\0', '\ufffd')],
    );
  }
}

/** The channel on which changes of jobs are announced. */
function channelName(schema: string): string {
  return `${schema.replaceAll('"', '')}_jobs`;
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'postgres';
  const parsed = new URL(url);
  parsed.password = '';
  return parsed.href;
}
