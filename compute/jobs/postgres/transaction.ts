import type PgBoss from 'pg-boss';
import { z } from 'zod';
import { JOB_KINDS, type Job, type JobKind } from '../job.ts';
import type { JobTransaction, NewEvent } from '../job-transaction.ts';
import { type EndedJob, MAX_EVENTS } from '../queue.ts';
import { channelName, jobColumns, jobRow, lastEvent, parseJob } from './schema.ts';

/** What of a client of `pg` a transaction needs, between BEGIN and COMMIT. */
export interface Connection {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

export interface PostgresTransactionOptions {
  readonly connection: Connection;
  /** Keeps the line, in the same transaction. */
  readonly boss: PgBoss;
  /** The schema of our tables, quoted. */
  readonly schema: string;
  readonly now: number;
}

const lineSchema = z.object({ kind: z.enum(JOB_KINDS) });
const ticketSchema = z.object({ ticket: z.string() });

/**
 * A transaction of PostgreSQL: a job that is found is locked until it ends. The line is pg-boss's: a job that may run has
 * one ticket in the line of its kind, whose data name the job.
 */
export class PostgresTransaction implements JobTransaction {
  readonly now: number;
  readonly #connection: Connection;
  readonly #boss: PgBoss;
  readonly #schema: string;
  readonly #sameTransaction: PgBoss.ConnectionOptions;

  constructor({ connection, boss, schema, now }: PostgresTransactionOptions) {
    this.now = now;
    this.#connection = connection;
    this.#boss = boss;
    this.#schema = schema;
    this.#sameTransaction = { db: { executeSql: (text, values) => connection.query(text, values) } };
  }

  async find(id: string): Promise<Job | undefined> {
    const sql = `SELECT record FROM ${this.#schema}.jobs WHERE id = $1 FOR UPDATE`;
    return (await this.#jobs(sql, [id]))[0];
  }

  /** Not locked: whoever ends one of them locks this job next, so the last one to end sees the others. */
  dependenciesOf(job: Job): Promise<Job[]> {
    return this.#jobs(`SELECT record FROM ${this.#schema}.jobs WHERE id = ANY($1)`, [job.dependsOn]);
  }

  dependentsOf(id: string): Promise<Job[]> {
    return this.#jobs(
      `SELECT j.record FROM ${this.#schema}.jobs j JOIN ${this.#schema}.job_dependencies d ON d.job_id = j.id
       WHERE d.dependency = $1 ORDER BY j.id FOR UPDATE OF j`,
      [id],
    );
  }

  silent(): Promise<Job[]> {
    return this.#jobs(
      `SELECT record FROM ${this.#schema}.jobs WHERE state = 'running' AND lease_until < $1 FOR UPDATE SKIP LOCKED`,
      [this.now],
    );
  }

  async first(kinds: readonly JobKind[]): Promise<Job | undefined> {
    // The kind whose line has the first job; pg-boss then decides, since others look at the same moment.
    const lines = await this.#query(
      `SELECT kind FROM ${this.#schema}.jobs WHERE state = 'pending' AND ticket IS NOT NULL AND kind = ANY($1) AND not_before <= $2
       GROUP BY kind ORDER BY max(priority) DESC, min(id)`,
      [kinds, this.now],
    );
    for (const { kind } of lines.map((row) => lineSchema.parse(row))) {
      const options = { batchSize: 1, ...this.#sameTransaction };
      const [ticket] = await this.#boss.fetch<{ jobId: string }>(kind, options);
      if (ticket !== undefined) return this.find(ticket.data.jobId);
    }
    return undefined;
  }

  async insert(job: Job): Promise<boolean> {
    const inserted = await this.#query(
      `INSERT INTO ${this.#schema}.jobs (${jobColumns.join(', ')}) VALUES (${jobColumns.map((_, i) => `$${i + 1}`).join(', ')})
       ON CONFLICT (id) DO NOTHING RETURNING id`,
      jobRow(job),
    );
    if (inserted.length === 0) return false;
    for (const id of job.dependsOn) {
      await this.#query(
        `INSERT INTO ${this.#schema}.job_dependencies (dependency, job_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
        [id, job.id],
      );
    }
    return true;
  }

  async update(before: Job, job: Job): Promise<void> {
    const [, ...columns] = jobColumns;
    await this.#query(
      `UPDATE ${this.#schema}.jobs SET ${columns.map((name, i) => `${name} = $${i + 2}`).join(', ')} WHERE id = $1`,
      jobRow(job),
    );
    if (before.state === job.state) return;
    // Who runs a job has taken its ticket.
    if (job.state === 'running') await this.#setTicket(job, null);
    else if (job.state === 'pending') await this.lineUp(job);
    else await this.leaveLine(job);
  }

  async lineUp(job: Job): Promise<void> {
    await this.leaveLine(job);
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
        ...this.#sameTransaction,
      },
    );
    await this.#setTicket(job, ticket);
  }

  async leaveLine(job: Job): Promise<void> {
    const rows = await this.#query(
      `UPDATE ${this.#schema}.jobs j SET ticket = NULL FROM (SELECT id, ticket FROM ${this.#schema}.jobs WHERE id = $1) o
       WHERE j.id = o.id AND o.ticket IS NOT NULL RETURNING o.ticket`,
      [job.id],
    );
    for (const { ticket } of rows.map((row) => ticketSchema.parse(row)))
      await this.#boss.cancel(job.kind, ticket, this.#sameTransaction);
  }

  async #setTicket(job: Job, ticket: string | null): Promise<void> {
    await this.#query(`UPDATE ${this.#schema}.jobs SET ticket = $2 WHERE id = $1`, [job.id, ticket]);
  }

  async tell(job: Job, { at, level, type, message }: NewEvent): Promise<void> {
    // The row of the job is locked, so numbers are given one after the other. PostgreSQL's text has no NUL.
    await this.#query(
      `WITH next AS (SELECT coalesce(max(seq), 0) + 1 AS seq FROM ${this.#schema}.job_events WHERE job_id = $1),
       gone AS (DELETE FROM ${this.#schema}.job_events WHERE job_id = $1 AND seq <= (SELECT seq FROM next) - ${MAX_EVENTS})
       INSERT INTO ${this.#schema}.job_events (job_id, seq, at, attempt, level, type, message)
       SELECT $1, seq, $2, $3, $4, $5, $6 FROM next`,
      [job.id, at, job.attempt, level, type, message.replaceAll('\0', '\ufffd')],
    );
  }

  async announce(job: Job): Promise<void> {
    await this.#query('SELECT pg_notify($1, $2)', [channelName(this.#schema), job.id]);
  }

  async recorded({ job, lastEvent: seq }: EndedJob): Promise<void> {
    // Locked first: its events are those of the job as it is now.
    if ((await this.find(job.id)) === undefined) return;
    await this.#query(
      `UPDATE ${this.#schema}.jobs SET recorded = true WHERE id = $1 AND ${lastEvent(this.#schema, '$1')} = $2`,
      [job.id, seq],
    );
  }

  async #query(text: string, values: readonly unknown[]): Promise<unknown[]> {
    return (await this.#connection.query(text, [...values])).rows;
  }

  async #jobs(text: string, values: readonly unknown[]): Promise<Job[]> {
    return (await this.#query(text, values)).map(parseJob);
  }
}
