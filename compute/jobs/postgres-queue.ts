import pg from 'pg';
import PgBoss from 'pg-boss';
import { z } from 'zod';
import { JOB_KINDS, JOB_STATES, type Job, type JobEvent } from './job.ts';
import type { JobTransaction } from './job-transaction.ts';
import { changes } from './postgres/changes.ts';
import { channelName, lastEvent, parseJob, schemaSql } from './postgres/schema.ts';
import { PostgresTransaction } from './postgres/transaction.ts';
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
import { doSoon, type Work } from './work.ts';

export interface PostgresQueueOptions extends QueueOptions {
  /** Schema of our tables; pg-boss has `<schema>_boss`. Default `runlake`. */
  readonly schema?: string;
}

const tallySchema = z.object({ kind: z.enum(JOB_KINDS), state: z.enum(JOB_STATES), jobs: z.int() });

/** `SelectJobs` as a condition on $1 and $2. */
const SELECTED = '($1::text[] IS NULL OR state = ANY($1)) AND ($2::text[] IS NULL OR kind = ANY($2))';

/**
 * The queue of many machines: PostgreSQL. pg-boss keeps the line (order, priorities, times, SKIP LOCKED); everything else
 * that is known of a job is a row of ours, and each step changes both in one transaction. Why both: docs/decisions/120-jobs.md.
 */
export class PostgresQueue extends TransactionalQueue {
  readonly uri: string;
  readonly #pool: pg.Pool;
  readonly #boss: PgBoss;
  readonly #schema: string;
  readonly #closing = new AbortController();

  private constructor(url: string, { schema = 'runlake', ...options }: PostgresQueueOptions) {
    super(options);
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
      `SELECT record, ${lastEvent(this.#schema, 'j.id')} AS last FROM ${this.#schema}.jobs j WHERE NOT recorded ORDER BY id LIMIT $1`,
      [limit],
    );
    return rows.map((row) => ({ job: parseJob(row), lastEvent: Number(row.last) }));
  }

  watch({ id, signal }: WatchOptions = {}): AsyncGenerator<Job> {
    const { connectionString } = this.#pool.options;
    const stop = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    const channel = channelName(this.#schema);
    return changes({ connectionString, channel, id, stop }, (changed) => this.get(changed));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#boss.stop({ graceful: false, wait: true, close: false }).catch(() => undefined);
    await this.#pool.end();
  }

  protected async transact<T>(work: (tx: JobTransaction) => Work<T>): Promise<T> {
    const connection = await this.#pool.connect();
    try {
      await connection.query('BEGIN');
      const { rows } = await connection.query<{ now: string }>(
        `SELECT floor(extract(epoch FROM now()) * 1000)::bigint AS now`,
      );
      const now = Number(rows[0]?.now);
      const tx = new PostgresTransaction({ connection, boss: this.#boss, schema: this.#schema, now });
      const result = await doSoon(work(tx));
      await connection.query('COMMIT');
      connection.release();
      return result;
    } catch (error) {
      const lost = await connection.query('ROLLBACK').then(
        () => false,
        () => true,
      );
      connection.release(lost);
      throw error;
    }
  }
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'postgres';
  const parsed = new URL(url);
  parsed.password = '';
  return parsed.href;
}
