import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Job, JobKind, JobState } from './job.ts';
import { type JobQueue, newJobId, type QueueOptions } from './queue.ts';
import type { NewJob } from './transitions.ts';

/** What a test needs of an implementation: several handles on one queue, as several processes have. */
export interface QueueFixture {
  open(options: QueueOptions): Promise<JobQueue>;
  remove(): Promise<void>;
}

/** Long: no job is to change hands, or to be tried again, because the machine is busy. */
const PATIENT = { leaseMs: 60_000, backoffMs: 60_000 };
/** Of workers that fall silent, and of attempts that are soon followed by others. */
const HASTY = { leaseMs: 100, backoffMs: 100 };
const ALL: readonly JobKind[] = ['inference', 'evaluation', 'probe', 'fv', 'chaos_eval'];

/** The contract of `JobQueue`; every implementation passes it. */
export function testJobQueue(name: string, fixture: () => Promise<QueueFixture>): void {
  describe(name, () => {
    let place: QueueFixture;
    let queue: JobQueue;
    let other: JobQueue;
    let hasty: JobQueue;
    /** Jobs that `queue` took from the silent. */
    const lost: string[] = [];

    beforeAll(async () => {
      place = await fixture();
      const onLeaseLost = ({ id }: Job): void => void lost.push(id);
      [queue, other] = [await place.open({ ...PATIENT, onLeaseLost }), await place.open(PATIENT)];
      hasty = await place.open(HASTY);
    });
    afterAll(async () => {
      await queue?.close();
      await other?.close();
      await hasty?.close();
      await place?.remove();
    });
    beforeEach(async () => {
      for (const job of await queue.list({ states: ['pending', 'running'], limit: 1000 })) {
        if (job.state === 'running') await queue.complete(job, null);
        else await queue.cancel(job.id).catch(() => undefined);
      }
    });

    const submit = (request: Partial<NewJob> = {}): Promise<Job> =>
      queue.submit({ id: newJobId(), kind: 'inference', spec: { n: 1 }, ...request });
    const take = async (worker = 'w', handle = queue): Promise<Job> => {
      const job = await handle.claim(worker, ALL);
      if (job === undefined) throw new Error('nothing to claim');
      return job;
    };
    /** Takes what becomes free in a while. */
    const takeSoon = async (): Promise<Job> => {
      for (;;) {
        const job = await queue.claim('w', ALL);
        if (job !== undefined) return job;
        await sleep(10);
      }
    };
    const stateOf = async (id: string): Promise<JobState | undefined> => (await other.get(id))?.state;

    test('a job is pending, runs and completes; every process sees it', async () => {
      const origin = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
      const job = await submit({
        spec: { prompt: 'ü', big: 12345678901234 },
        owner: 'ada',
        origin,
        priority: 3,
      });
      expect(await other.get(job.id)).toEqual(job);
      expect(job).toMatchObject({ state: 'pending', attempt: 0, priority: 3, owner: 'ada', result: null });
      const running = await other.claim('worker-1', ALL);
      expect(running).toMatchObject({ id: job.id, state: 'running', attempt: 1, worker: 'worker-1', origin });
      expect(await queue.claim('worker-2', ALL)).toBeUndefined();
      const done = await other.complete(running!, { runIds: ['main/x'] });
      expect(done).toMatchObject({ state: 'completed', result: { runIds: ['main/x'] }, leaseUntil: null });
      expect(done.finishedAt).toBeGreaterThanOrEqual(done.startedAt!);
      expect(await queue.get(job.id)).toEqual(done);
      const types = (await queue.events(job.id)).map((event) => event.message);
      expect(types).toEqual(['queued', 'attempt 1 begins on worker-1', 'completed']);
    });

    test('an end is unrecorded until somebody says so, and again after a retry', async () => {
      const own = async (id: string) => (await other.unrecorded(10_000)).find(({ job }) => job.id === id);
      const { id } = await submit();
      expect(await own(id)).toBeUndefined();
      const running = await take();
      expect(await own(id)).toBeUndefined();
      await queue.fail(running, { code: 'X', message: 'x' }, { retry: false });
      const first = (await own(id))!;
      expect(first).toEqual({ job: await queue.get(id), lastEvent: 3 });
      expect(await queue.unrecorded(1)).toHaveLength(1);
      await queue.retry(id);
      expect(await own(id)).toBeUndefined();
      await queue.cancel(id);
      // The end that was kept is not the one that there is now.
      await other.recorded(first);
      const second = (await own(id))!;
      expect(second).toMatchObject({ job: { state: 'cancelled' }, lastEvent: 5 });
      await other.recorded(second);
      await other.recorded(second);
      expect(await own(id)).toBeUndefined();
      await queue.recorded({ ...second, job: { ...second.job, id: 'no-such-job' } });
    });

    test('submitting an id again changes nothing', async () => {
      const job = await submit();
      expect(await other.submit({ id: job.id, kind: 'probe', spec: 'something else' })).toEqual(job);
      expect(await queue.get('no-such-job')).toBeUndefined();
    });

    test('higher priority first, then the order of submission; only kinds that the worker knows', async () => {
      const a = await submit();
      const b = await submit({ priority: 5 });
      const c = await submit({ kind: 'probe', priority: 9 });
      const d = await submit({ priority: 5 });
      expect((await queue.claim('w', ['inference']))?.id).toBe(b.id);
      expect((await queue.claim('w', ['inference']))?.id).toBe(d.id);
      expect((await queue.claim('w', ['inference', 'probe']))?.id).toBe(c.id);
      expect((await queue.claim('w', ['inference', 'probe']))?.id).toBe(a.id);
      expect(await queue.claim('w', ALL)).toBeUndefined();
    });

    test('many claimers: every job is taken exactly once', async () => {
      const ids = new Set<string>();
      for (let i = 0; i < 20; i++) ids.add((await submit()).id);
      const taken: string[] = [];
      await Promise.all(
        [queue, other, queue, other].map(async (handle, i) => {
          for (let job = await handle.claim(`w${i}`, ALL); job; job = await handle.claim(`w${i}`, ALL))
            taken.push(job.id);
        }),
      );
      expect(taken.length).toBe(20);
      expect(new Set(taken)).toEqual(ids);
    });

    test('a failed attempt is tried again after a pause, and given up when attempts are used up', async () => {
      const failure = { code: 'OOM', message: 'out of memory' };
      const { id } = await submit({ maxAttempts: 2 });
      const before = Date.now();
      const failed = await hasty.fail(await take(), failure);
      expect(failed).toMatchObject({ state: 'pending', failure: { code: 'OOM' } });
      expect(failed.notBefore).toBeGreaterThanOrEqual(before + HASTY.backoffMs);
      const second = await takeSoon();
      expect(Date.now()).toBeGreaterThanOrEqual(Math.floor(failed.notBefore));
      expect(second).toMatchObject({ id, attempt: 2, failure: null });
      expect(await other.fail(second, { ...failure, message: 'again' })).toMatchObject({
        state: 'failed',
        failure: { code: 'OOM', message: 'again' },
      });
      expect(await queue.claim('w', ALL)).toBeUndefined();
      const again = await queue.retry(id);
      expect(again).toMatchObject({ state: 'pending', failure: null, finishedAt: null });
      expect((await take()).attempt).toBe(3);
    });

    test('nobody gets a job during the pause after a failed attempt', async () => {
      await submit();
      const { notBefore } = await queue.fail(await take(), { code: 'X', message: 'x' });
      expect(await other.claim('w', ALL)).toBeUndefined();
      expect(notBefore).toBeGreaterThan(Date.now());
    });

    test('what cannot succeed is not tried again', async () => {
      const { id } = await submit();
      await queue.fail(await take(), { code: 'BAD_SPEC', message: 'no such model' }, { retry: false });
      expect(await stateOf(id)).toBe('failed');
    });

    test('a silent worker loses its job to another, and is told so', async () => {
      const { id } = await submit();
      const first = await take('dead', hasty);
      const leaseAfterBeat = async () => {
        await hasty.beat(first);
        return (await queue.get(id))!.leaseUntil;
      };
      await expect.poll(leaseAfterBeat).toBeGreaterThan(first.leaseUntil!);
      await sleep(HASTY.leaseMs + 50);
      const second = await other.claim('w2', ALL);
      expect(second).toMatchObject({ id, attempt: 2, worker: 'w2' });
      await expect(queue.beat(first)).rejects.toMatchObject({ code: 'LEASE_LOST' });
      await expect(queue.complete(first, 1)).rejects.toMatchObject({ code: 'LEASE_LOST' });
      await expect(queue.fail(first, { code: 'X', message: '' })).rejects.toMatchObject({
        code: 'LEASE_LOST',
      });
      expect(await queue.get(id)).toMatchObject({ state: 'running', worker: 'w2' });
      await other.complete(second!, 2);
      await expect(other.complete(second!, 3)).rejects.toMatchObject({ code: 'LEASE_LOST' });
      expect((await queue.get(id))?.result).toBe(2);
    });

    test('a job whose workers keep dying fails', async () => {
      const { id } = await submit({ maxAttempts: 1 });
      await take('dead', hasty);
      await sleep(HASTY.leaseMs + 50);
      expect(await queue.claim('w', ALL)).toBeUndefined();
      expect(await queue.get(id)).toMatchObject({ state: 'failed', failure: { code: 'WORKER_LOST' } });
      expect(lost).toContain(id);
    });

    test('a worker that shuts down gives its job back without using up an attempt', async () => {
      const { id } = await submit({ maxAttempts: 1 });
      await queue.release(await take());
      expect(await stateOf(id)).toBe('pending');
      const next = await take();
      expect(next.attempt).toBe(2);
      await queue.fail(next, { code: 'X', message: 'x' });
      expect(await stateOf(id)).toBe('failed');
    });

    test('a pending job is cancelled at once, a running one when its worker hears of it', async () => {
      const waiting = await submit();
      expect(await other.cancel(waiting.id)).toMatchObject({ state: 'cancelled' });
      expect(await queue.claim('w', ALL)).toBeUndefined();
      await submit();
      const job = await take();
      expect(await queue.beat(job)).toEqual({ cancelRequested: false });
      expect(await other.cancel(job.id)).toMatchObject({ state: 'running', cancelRequested: true });
      expect(await queue.beat(job)).toEqual({ cancelRequested: true });
      expect(await queue.confirmCancel(job)).toMatchObject({ state: 'cancelled', cancelRequested: false });
      expect(await other.cancel(job.id)).toMatchObject({ state: 'cancelled' });
      expect((await queue.retry(job.id)).state).toBe('pending');
      await queue.complete(await take(), null);
      await expect(queue.cancel(job.id)).rejects.toMatchObject({ code: 'JOB_STATE' });
      await expect(queue.retry(job.id)).rejects.toMatchObject({ code: 'JOB_STATE' });
      await expect(queue.cancel('no-such-job')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    });

    test('a cancelled job whose worker died or failed is not tried again', async () => {
      const { id } = await submit();
      const job = await take();
      await queue.cancel(id);
      expect(await queue.fail(job, { code: 'X', message: 'x' })).toMatchObject({ state: 'cancelled' });
      await submit();
      const silent = await take('dead', hasty);
      await queue.cancel(silent.id);
      await sleep(HASTY.leaseMs + 50);
      expect(await queue.claim('w', ALL)).toBeUndefined();
      expect(await stateOf(silent.id)).toBe('cancelled');
    });

    test('a job waits for those it depends on', async () => {
      const a = await submit();
      const b = await submit({ dependsOn: [a.id], priority: 9 });
      const c = await submit({ dependsOn: [a.id, b.id], priority: 9 });
      const first = await take();
      expect(first.id).toBe(a.id);
      expect(await queue.claim('w', ALL)).toBeUndefined();
      await queue.complete(first, null);
      const second = await take();
      expect(second.id).toBe(b.id);
      expect(await queue.claim('w', ALL)).toBeUndefined();
      await queue.complete(second, null);
      expect((await take()).id).toBe(c.id);
      await expect(submit({ dependsOn: ['no-such-job'] })).rejects.toMatchObject({
        code: 'UNKNOWN_DEPENDENCY',
      });
      const late = await submit({ dependsOn: [a.id] });
      expect((await take()).id).toBe(late.id);
    });

    test('jobs that end at the same moment let the one go on that waits for all of them', async () => {
      const parents = [];
      for (let i = 0; i < 6; i++) parents.push(await submit());
      const child = await submit({ dependsOn: parents.map(({ id }) => id) });
      const running = [];
      for (const _ of parents) running.push(await take());
      await Promise.all(running.map((job, i) => (i % 2 === 0 ? queue : other).complete(job, null)));
      expect((await take()).id).toBe(child.id);
    });

    test('what waits for a failed job is skipped, with those that wait for it; a retry revives them', async () => {
      const a = await submit({ maxAttempts: 1 });
      const b = await submit({ dependsOn: [a.id] });
      const c = await submit({ dependsOn: [b.id] });
      await queue.fail(await take(), { code: 'X', message: 'x' });
      expect(await queue.get(b.id)).toMatchObject({
        state: 'skipped',
        failure: { code: 'DEPENDENCY_FAILED' },
      });
      expect(await stateOf(c.id)).toBe('skipped');
      const unlucky = await submit({ dependsOn: [a.id] });
      expect(await stateOf(unlucky.id)).toBe('skipped');
      await queue.retry(a.id);
      expect([await stateOf(a.id), await stateOf(b.id), await stateOf(c.id)]).toEqual(
        Array(3).fill('pending'),
      );
      await queue.complete(await take(), null);
      expect([b.id, unlucky.id]).toContain((await take()).id);
    });

    test('a task may find that there is nothing to do', async () => {
      const { id } = await submit();
      await queue.skip(await take(), { code: 'TOO_FEW_ROWS', message: '7 rows, 10 needed' });
      expect(await queue.get(id)).toMatchObject({ state: 'skipped', failure: { code: 'TOO_FEW_ROWS' } });
    });

    test('progress and log lines arrive in order', async () => {
      await submit();
      const job = await take();
      const progress = { stage: 'generate', done: 3, total: 10, unit: 'tokens', rate: 12.5, eta: 1e12 };
      const line = (message: string) => ({ at: Date.now(), level: 'info' as const, message });
      await queue.beat(job, { progress, log: [line('one'), line('two')] });
      await queue.beat(job, { log: [line('three')] });
      expect(await other.get(job.id)).toMatchObject({ progress });
      const events = await other.events(job.id);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
      expect(events.filter(({ type }) => type === 'log').map(({ message }) => message)).toEqual([
        'one',
        'two',
        'three',
      ]);
      const rest = await other.events(job.id, { after: events.at(-2)!.seq, limit: 5 });
      expect(rest.map(({ message }) => message)).toEqual(['three']);
    });

    test('jobs are listed latest first, in pages, by state and kind', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.unshift((await submit({ kind: i % 2 === 0 ? 'fv' : 'probe' })).id);
      const page = await queue.list({ limit: 2 });
      expect(page.map(({ id }) => id)).toEqual(ids.slice(0, 2));
      const next = await queue.list({ limit: 2, before: page[1]!.id });
      expect(next.map(({ id }) => id)).toEqual(ids.slice(2, 4));
      const probes = await queue.list({ limit: 2, kinds: ['probe'], states: ['pending'] });
      expect(probes.map(({ id }) => id)).toEqual([ids[1], ids[3]]);
      expect(await queue.count({ states: ['pending', 'running'], kinds: ['fv'] })).toBe(3);
      expect(await queue.count({ kinds: [] })).toBe(0);
      expect(await queue.tally()).toEqual(
        expect.arrayContaining([
          { kind: 'fv', state: 'pending', jobs: 3 },
          { kind: 'probe', state: 'pending', jobs: 2 },
        ]),
      );
      expect(await queue.count()).toBe((await queue.list({ limit: 1000 })).length);
    });

    test('watching shows changes that others make', async () => {
      const { id } = await submit();
      const stop = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const job of other.watch({ id, signal: stop.signal })) {
          seen.push(job.state);
          if (job.state === 'completed') break;
        }
      })();
      const job = await take();
      // Nothing tells when watching has begun; from then on it shows every beat.
      for (let done = 0; seen.length === 0; done++) {
        await queue.beat(job, {
          progress: { stage: 'x', done, total: null, unit: 'x', rate: null, eta: null },
        });
        await sleep(20);
      }
      await queue.complete(job, null);
      await watching;
      expect([...new Set(seen)]).toEqual(['running', 'completed']);
      stop.abort();
      for await (const _ of other.watch({ signal: stop.signal }))
        throw new Error('nothing is watched any more');
    });
  });
}
