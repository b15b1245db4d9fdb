import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddedQueue } from './embedded-queue.ts';
import type { Job } from './job.ts';
import { Meter } from './meter.ts';
import { newJobId } from './queue.ts';
import { NothingToDoError, PermanentTaskError, runWorker, type Task } from './worker.ts';

let path: string;
let queue: EmbeddedQueue;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'runlake-worker-'));
  queue = new EmbeddedQueue(path, { leaseMs: 60_000, backoffMs: 10 });
});
afterEach(async () => {
  await queue.close();
  rmSync(path, { recursive: true, force: true });
});

const submit = (): Promise<Job> => queue.submit({ id: newJobId(), kind: 'probe', spec: { x: 1 } });
const drain = (task: Task, signal = new AbortController().signal) =>
  runWorker(queue, { id: 'w', tasks: { probe: task }, drain: true, signal, idleMs: 5, beatMs: 20 });
const running = async (id: string): Promise<Job> => {
  for (;;) {
    const job = await queue.get(id);
    if (job?.state === 'running') return job;
    await sleep(5);
  }
};
const untilAborted = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

describe('a worker', () => {
  test('does what is there and ends; progress and log reach the queue', async () => {
    const [a, b] = [await submit(), await submit()];
    const done = await drain(async ({ job, progress, log }) => {
      progress({ stage: 'fit', done: 1, total: 2 });
      log('info', 'half of it');
      await sleep(60);
      return { ran: job.id };
    });
    expect(done.jobs).toBe(2);
    for (const { id } of [a, b]) {
      expect(await queue.get(id)).toMatchObject({
        state: 'completed',
        result: { ran: id },
        progress: { stage: 'fit', done: 1, total: 2 },
      });
      expect((await queue.events(id)).map(({ message }) => message)).toContain('half of it');
    }
  });

  test('tries again after an error, not after a permanent one, and passes on that nothing was to do', async () => {
    const flaky = await submit();
    let attempts = 0;
    await drain(async () => {
      if (++attempts < 3) throw new Error('the network was away');
      return null;
    });
    expect(await queue.get(flaky.id)).toMatchObject({ state: 'completed', attempt: 3 });
    const bad = await submit();
    await drain(async () => {
      throw new PermanentTaskError('NO_SUCH_MODEL', 'there is no model x');
    });
    expect(await queue.get(bad.id)).toMatchObject({
      state: 'failed',
      attempt: 1,
      failure: { code: 'NO_SUCH_MODEL', message: 'there is no model x' },
    });
    const empty = await submit();
    await drain(async () => {
      throw new NothingToDoError('TOO_FEW_ROWS', '7 rows');
    });
    expect(await queue.get(empty.id)).toMatchObject({ state: 'skipped', failure: { code: 'TOO_FEW_ROWS' } });
  });

  test('stops a job that is cancelled', async () => {
    const { id } = await submit();
    const working = drain(({ signal }) => untilAborted(signal));
    await running(id);
    await queue.cancel(id);
    await working;
    expect(await queue.get(id)).toMatchObject({ state: 'cancelled', attempt: 1 });
  });

  test('gives its job back when it shuts down', async () => {
    const { id } = await submit();
    const stop = new AbortController();
    const working = drain(({ signal }) => untilAborted(signal), stop.signal);
    await running(id);
    stop.abort();
    expect(await working).toEqual({ jobs: 1 });
    expect(await queue.get(id)).toMatchObject({ state: 'pending', failure: null });
  });

  test('keeps a long job by its heartbeats, and stops when another worker has it', async () => {
    const { id } = await submit();
    const working = drain(({ signal }) => untilAborted(signal));
    const job = await running(id);
    while ((await queue.get(id))!.leaseUntil! < job.leaseUntil! + 100) await sleep(5);
    expect(await queue.claim('thief', ['probe'])).toBeUndefined();
    await queue.complete(job, 'by somebody else');
    await working;
    expect(await queue.get(id)).toMatchObject({ state: 'completed', result: 'by somebody else' });
  });
});

describe('progress', () => {
  test('has the rate of the last half minute and an end', () => {
    const meter = new Meter();
    const at = (now: number, done: number, count: number, stage = 'generate') =>
      meter.update({ stage, done, total: 100, counter: { unit: 'tokens', count } }, now);
    expect(at(0, 0, 0)).toMatchObject({ rate: null, eta: null });
    expect(at(10_000, 10, 500)).toEqual({
      stage: 'generate',
      done: 10,
      total: 100,
      unit: 'tokens',
      rate: 50,
      eta: 100_000,
    });
    for (let s = 11; s <= 60; s++) at(s * 1000, 10, 500);
    expect(at(61_000, 10, 500)).toMatchObject({ rate: null, eta: null });
    expect(at(62_000, 0, 0, 'score')).toMatchObject({ stage: 'score', rate: null });
  });
});
