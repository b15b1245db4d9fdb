import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { createClient as createStream } from 'graphql-sse';
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { EmbeddedQueue } from '../compute/jobs/embedded-queue.ts';
import type { Job } from '../compute/jobs/job.ts';
import { JobService } from '../compute/jobs/job-service.ts';
import { newJobId } from '../compute/jobs/queue.ts';
import { LocalStore } from '../lake/store/local-store.ts';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';

let path: string;
let lake: FakeLake;
let queue: EmbeddedQueue;
let app: FastifyInstance;
let address: string;
let client: Client;

beforeAll(async () => {
  path = mkdtempSync(join(tmpdir(), 'runlake-jobs-'));
  lake = await FakeLake.create({});
  queue = new EmbeddedQueue(join(path, 'queue'), { backoffMs: 1 });
  app = await createServer({
    reader: lake,
    jobs: new JobService(queue, new LocalStore(join(path, 'store')), []),
  });
  address = await app.listen({ host: '127.0.0.1', port: 0 });
  client = createClient({ url: `${address.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
});
afterAll(async () => {
  await client.dispose();
  await app.close();
  await queue.close();
  lake.connection.closeSync();
  rmSync(path, { recursive: true, force: true });
});

const submit = (n = 1) => queue.submit({ id: newJobId(), kind: 'probe', spec: { n } });

async function ask(query: string, variables: object = {}): Promise<{ data: unknown; errors?: unknown[] }> {
  const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
  return response.json();
}

describe('jobs', () => {
  test('are listed in pages, counted, and shown with what happened to them', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.unshift((await submit(n)).id);
    const job = (await queue.claim('worker', ['probe']))!;
    await queue.beat(job, {
      progress: { stage: 'fit', done: 1, total: 4, unit: null, rate: null, eta: Date.UTC(2026, 0, 1) },
      log: [{ at: 0, level: 'info', message: 'hello' }],
    });
    const query = `query ($after: String) {
      jobs(first: 2, after: $after, filter: {kinds: [PROBE]}) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { id state kind spec attempt worker progress { stage fraction eta } events(after: 1) { seq type message } }
      }
    }`;
    const first = await ask(query);
    expect(first).toMatchObject({
      data: {
        jobs: {
          totalCount: 3,
          pageInfo: { hasNextPage: true, endCursor: ids[1] },
          nodes: [
            { id: ids[0], state: 'PENDING', kind: 'PROBE', spec: { n: 2 } },
            { id: ids[1], attempt: 0, progress: null, events: [] },
          ],
        },
      },
    });
    const second = await ask(query, { after: ids[1] });
    expect(second).toMatchObject({
      data: {
        jobs: {
          pageInfo: { hasNextPage: false },
          nodes: [
            {
              id: ids[2],
              state: 'RUNNING',
              worker: 'worker',
              progress: { stage: 'fit', fraction: 0.25, eta: '2026-01-01T00:00:00.000Z' },
              events: [
                { seq: 2, type: 'state', message: 'attempt 1 begins on worker' },
                { seq: 3, type: 'log', message: 'hello' },
              ],
            },
          ],
        },
      },
    });
  });

  test('are cancelled and retried; what is impossible has a code', async () => {
    const { id } = await submit();
    const change = (name: string, job: string) =>
      ask(`mutation { ${name}(id: "${job}") { id state failure { code } } }`);
    expect(await change('cancelJob', id)).toEqual({
      data: { cancelJob: { id, state: 'CANCELLED', failure: { code: 'CANCELLED' } } },
      extensions: expect.anything(),
    });
    expect(await change('retryJob', id)).toMatchObject({ data: { retryJob: { state: 'PENDING' } } });
    expect(await change('retryJob', id)).toMatchObject({ errors: [{ extensions: { code: 'JOB_STATE' } }] });
    expect(await change('cancelJob', 'nope')).toMatchObject({
      errors: [{ extensions: { code: 'JOB_NOT_FOUND' } }],
    });
    expect(await ask('{ job(id: "nope") { id } }')).toMatchObject({ data: { job: null } });
  });
});

describe('subscriptions', () => {
  const document = 'subscription ($id: ID) { jobUpdated(id: $id) { id state result } }';

  test('over WebSocket: a job as it is now, every change, and the end', async () => {
    const { id } = await submit();
    const seen: unknown[] = [];
    let job: Job | undefined;
    for await (const { data } of client.iterate({ query: document, variables: { id } })) {
      seen.push((data as { jobUpdated: unknown }).jobUpdated);
      if (seen.length === 1) {
        job = await queue.claim('w', ['probe']);
        while (job && job.id !== id) {
          await queue.complete(job, null);
          job = await queue.claim('w', ['probe']);
        }
      }
      // Changes that follow each other closely may be told as one.
      if (seen.length === 2) await queue.complete(job!, { runIds: ['main/x'] });
    }
    expect(seen.map((job) => (job as { state: string }).state)).toEqual(['PENDING', 'RUNNING', 'COMPLETED']);
    expect(seen.at(-1)).toEqual({ id, state: 'COMPLETED', result: { runIds: ['main/x'] } });
  });

  test('over server-sent events', async () => {
    const { id } = await submit();
    await queue.cancel(id);
    const stream = createStream({ url: `${address}/graphql/stream` });
    const seen: unknown[] = [];
    for await (const { data } of stream.iterate({ query: document, variables: { id } })) seen.push(data);
    expect(seen).toEqual([{ jobUpdated: { id, state: 'CANCELLED', result: null } }]);
    stream.dispose();
  });

  test('one that the client ends stops watching at once', async () => {
    const iterator = client.iterate({ query: document })[Symbol.asyncIterator]();
    let isToldOf = false;
    const first = iterator.next().finally(() => {
      isToldOf = true;
    });
    // Nobody says when a subscription has begun.
    while (!isToldOf) await Promise.all([submit(), sleep(100)]);
    expect(await first).toMatchObject({ value: { data: { jobUpdated: { id: expect.any(String) } } } });
    await iterator.return?.();
  });

  test('errors have codes; queries, long documents and other origins are refused', async () => {
    const answer = async (query: string, variables = {}) => {
      const results: unknown[] = [];
      try {
        for await (const result of client.iterate({ query, variables })) results.push(result);
      } catch (error) {
        return error;
      }
      return results;
    };
    expect(await answer(document, { id: 'nope' })).toMatchObject([
      { message: 'id: there is no job nope', extensions: { code: 'BAD_USER_INPUT' } },
    ]);
    expect(await answer('{ jobs { nodes { id } } }')).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT' } },
    ]);
    expect(await answer('subscription { nope }')).toMatchObject([
      { message: expect.stringContaining('nope') },
    ]);
    expect(await answer(`subscription { jobUpdated { id ${'id '.repeat(20_000)}} }`)).toMatchObject([
      { message: expect.stringContaining('tokens') },
    ]);
    const foreign = new WebSocket(`${address.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      origin: 'https://example.org',
    });
    const refused = await new Promise((resolve) => foreign.once('error', resolve));
    expect(String(refused)).toContain('403');
  });

  test('a server without a queue says so', async () => {
    const without = await createServer({ reader: lake });
    const response = await without.inject({
      method: 'POST',
      url: '/graphql',
      payload: { query: '{ jobs { nodes { id } } }' },
    });
    expect(response.json()).toMatchObject({ errors: [{ extensions: { code: 'NOT_AVAILABLE' } }] });
    await without.close();
  });
});
