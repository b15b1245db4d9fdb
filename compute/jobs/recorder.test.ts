import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compactTables } from '../../src/upkeep.ts';
import { type TemporaryLake, temporaryLake } from '../../test/support/temporary-lake.ts';
import { EmbeddedQueue } from './embedded-queue.ts';
import type { Job } from './job.ts';
import { type JobQueue, newJobId } from './queue.ts';
import { recordJobs } from './recorder.ts';
import type { NewJob } from './transitions.ts';
import { runWorker } from './worker.ts';

let lake: TemporaryLake;
let queue: EmbeddedQueue;
beforeEach(async () => {
  lake = await temporaryLake();
  queue = new EmbeddedQueue(join(lake.directory, 'queue'));
});
afterEach(async () => {
  await queue.close();
  await lake.remove();
});

async function sql(statement: string): Promise<Record<string, unknown>[]> {
  const { columns, rows } = await lake.lake.sandboxedQuery(await lake.lake.snapshot(), statement);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
}

function submit(request: Partial<NewJob> = {}): Promise<Job> {
  return queue.submit({ id: newJobId(), kind: 'inference', spec: { n: 1 }, ...request });
}

async function take(): Promise<Job> {
  return (await queue.claim('host:1', ['inference', 'fv']))!;
}

/** The jobs of the lake with what their events say of their sequence. */
const summary = () =>
  sql(
    `SELECT state, jobs.attempt, n_events, count(seq) AS events, max(seq) AS last
     FROM jobs LEFT JOIN job_events USING (job_id) GROUP BY ALL ORDER BY state`,
  );

/** The queue with a process that dies in the middle of something. */
function dying(at: 'recorded' | 'events'): JobQueue {
  return new Proxy(queue, {
    get(target, name) {
      if (name === at) return async () => Promise.reject(new Error('killed'));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('jobs that have ended', () => {
  test('are rows with their events, also those that never ran', async () => {
    const done = await submit({ owner: 'ada', priority: 2, spec: { text: 'ü' } });
    const running = await take();
    const progress = { stage: 'generate', done: 3, total: 4, unit: 'tokens', rate: 1, eta: null };
    await queue.beat(running, { progress, log: [{ at: Date.now(), level: 'warn', message: 'careful' }] });
    await queue.complete(running, { runIds: ['main/x'], examples: 12345678901 });
    const failing = await submit({ kind: 'fv' });
    const waiting = await submit({ dependsOn: [failing.id] });
    await queue.fail(await take(), { code: 'BROKEN', message: 'it broke' }, { retry: false });
    const unwanted = await submit();
    await queue.cancel(unwanted.id);
    const pending = await submit();

    expect(await recordJobs(queue, lake.writer)).toBe(4);
    const rows = await sql('SELECT * FROM jobs ORDER BY job_id');
    expect(rows).toMatchObject([
      {
        job_id: done.id,
        kind: 'inference',
        state: 'completed',
        priority: 2,
        owner: 'ada',
        spec: '{"text":"ü"}',
        depends_on: [],
        attempt: 1,
        max_attempts: 3,
        worker: 'host:1',
        created_at: BigInt(done.createdAt) * 1000n,
        started_at: BigInt(running.startedAt!) * 1000n,
        stage: 'generate',
        done: 3,
        total: 4,
        error_code: null,
        run_ids: ['main/x'],
        result: '{"runIds":["main/x"],"examples":12345678901}',
        n_events: 4n,
      },
      { job_id: failing.id, kind: 'fv', state: 'failed', error_code: 'BROKEN', error_message: 'it broke' },
      { job_id: waiting.id, state: 'skipped', attempt: 0, worker: null, depends_on: [failing.id] },
      { job_id: unwanted.id, state: 'cancelled', attempt: 0, started_at: null, run_ids: null, result: null },
    ]);
    expect(
      await sql(
        `SELECT seq, level, type, message FROM job_events WHERE job_id = '${done.id}' ORDER BY time, seq`,
      ),
    ).toEqual([
      { seq: 1n, level: 'info', type: 'state', message: 'queued' },
      { seq: 2n, level: 'info', type: 'state', message: 'attempt 1 begins on host:1' },
      { seq: 3n, level: 'warn', type: 'log', message: 'careful' },
      { seq: 4n, level: 'info', type: 'state', message: 'completed' },
    ]);
    expect(await sql(`SELECT count(*) AS n FROM job_events WHERE job_id = '${pending.id}'`)).toEqual([
      { n: 0n },
    ]);
    expect(await recordJobs(queue, lake.writer)).toBe(0);
  });

  test('are there once, wherever those who record them die, and however many do', async () => {
    for (const at of ['events', 'recorded'] as const) {
      await submit();
      await queue.complete(await take(), null);
      await expect(recordJobs(dying(at), lake.writer)).rejects.toThrow('killed');
    }
    await Promise.all([recordJobs(queue, lake.writer), recordJobs(queue, lake.writer)]);
    const states = await sql('SELECT job_id, count(*) AS n FROM jobs GROUP BY 1');
    expect(states.map(({ n }) => n)).toEqual([1n, 1n]);
    expect(await summary()).toEqual([{ state: 'completed', attempt: 1, n_events: 3n, events: 6n, last: 3n }]);
  });

  test('and are retried have one row still, and all events', async () => {
    const { id } = await submit();
    await submit();
    for (const _ of [1, 2])
      await queue.fail(await take(), { code: 'BROKEN', message: 'x' }, { retry: false });
    await recordJobs(queue, lake.writer);
    await queue.retry(id);
    // What ended is not lost, though the job has not ended any more.
    expect(await recordJobs(queue, lake.writer)).toBe(0);
    await queue.complete(await take(), null);
    await recordJobs(queue, lake.writer);
    expect(await summary()).toEqual([
      { state: 'completed', attempt: 2, n_events: 6n, events: 6n, last: 6n },
      { state: 'failed', attempt: 1, n_events: 3n, events: 3n, last: 3n },
    ]);
  });

  test('stay a few files, and survive compaction', async () => {
    for (let i = 0; i < 5; i++) {
      await queue.cancel((await submit()).id);
      await recordJobs(queue, lake.writer, { manyFiles: 3 });
    }
    const files = async () => (await lake.lake.table('jobs').snapshot()).files.size;
    expect(await files()).toBe(1);
    await queue.cancel((await submit()).id);
    await recordJobs(queue, lake.writer);
    const before = await sql('SELECT * FROM jobs ORDER BY job_id');
    await compactTables(lake.lake, undefined);
    expect(await files()).toBe(1);
    expect(await sql('SELECT * FROM jobs ORDER BY job_id')).toEqual(before);
    expect(before).toHaveLength(6);
  });

  test('are recorded by workers, which go on when that fails', async () => {
    const { signal } = new AbortController();
    const seen: string[] = [];
    await submit();
    const tasks = { inference: async () => ({ runIds: [] }) };
    const logger = { info: () => undefined, warn: (_: object, text: string) => void seen.push(text) };
    const refuse = async () => Promise.reject(new Error('read-only'));
    await runWorker(queue, { id: 'w', tasks, drain: true, signal, logger, record: refuse });
    expect(seen).toEqual(['ended jobs could not be recorded']);
    const record = () => recordJobs(queue, lake.writer);
    await runWorker(queue, { id: 'w', tasks, drain: true, signal, logger, record });
    expect(await sql('SELECT state, run_ids FROM jobs')).toEqual([{ state: 'completed', run_ids: [] }]);
  });
});
