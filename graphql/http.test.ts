import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LakeReader, QueryOptions, QueryResult } from '../lake/engine/types.ts';
import { CancelledError } from '../lake/errors.ts';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import { runRow } from './test-support/rows.ts';

let lake: FakeLake;
const apps: FastifyInstance[] = [];
beforeEach(async () => {
  lake = await FakeLake.create({ runs: [runRow('main/a')] });
});
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
  lake.connection.closeSync();
});

async function serve(options: Partial<Parameters<typeof createServer>[0]> = {}): Promise<FastifyInstance> {
  const app = await createServer({ reader: lake, ...options });
  apps.push(app);
  return app;
}

/** A lake whose queries end only when they are cancelled, or when `release` is called. */
function blocked(): LakeReader & {
  readonly started: Promise<void>;
  readonly aborted: Promise<unknown>;
  release(): void;
} {
  let start = () => {};
  let abort: (reason: unknown) => void = () => {};
  let release = () => {};
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const aborted = new Promise<unknown>((resolve) => {
    abort = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return {
    started,
    aborted,
    release: () => release(),
    snapshot: (asOf) => lake.snapshot(asOf),
    relation: (snapshot, table, prune) => lake.relation(snapshot, table, prune),
    size: (snapshot, table) => lake.size(snapshot, table),
    sandboxedQuery: (snapshot, sql, options) => lake.sandboxedQuery(snapshot, sql, options),
    query: async (sql: string, options: QueryOptions = {}): Promise<QueryResult> => {
      start();
      const cancelled = new Promise<never>((_, reject) => {
        options.signal?.addEventListener('abort', () => {
          abort(options.signal?.reason);
          reject(new CancelledError('the query'));
        });
      });
      await Promise.race([released, cancelled]);
      return lake.query(sql, options);
    },
  };
}

const QUERY = '{ runs { nodes { id } } }';

describe('HTTP', () => {
  it('answers GET queries of programs, refuses GET mutations and requests a form could send', async () => {
    const app = await serve();
    const url = `/graphql?query=${encodeURIComponent(QUERY)}`;
    const headers = { 'apollo-require-preflight': 'yes' };
    expect((await app.inject({ method: 'GET', url, headers })).json().data.runs.nodes).toEqual([
      { id: 'main/a' },
    ]);
    expect((await app.inject({ method: 'GET', url })).statusCode).toBe(400);
    const mutation = `/graphql?query=${encodeURIComponent('mutation { compact { table } }')}`;
    expect((await app.inject({ method: 'GET', url: mutation, headers })).statusCode).toBe(405);
    const text = await app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'text/plain' },
      payload: QUERY,
    });
    expect(text.statusCode).toBe(400);
    const form = await app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'query=x',
    });
    expect(form.statusCode).toBe(415);
  });

  it('answers broken requests in the form of GraphQL errors', async () => {
    const app = await serve();
    const headers = { 'content-type': 'application/json' };
    for (const payload of [
      '{',
      '',
      '[]',
      'null',
      '{"query": 3}',
      '{"variables": {}}',
      '[{"query":"{ __typename }"}]',
      '{"query":"{ __typename }","variables":3}',
    ]) {
      const response = await app.inject({ method: 'POST', url: '/graphql', headers, payload });
      expect([payload, response.statusCode]).toEqual([payload, 400]);
      expect(response.json().errors[0].message).toEqual(expect.any(String));
    }
  });

  it('leads browsers to the console of the explorer, or says where that is', async () => {
    const browser = { url: '/graphql', headers: { accept: 'text/html,*/*' } };
    const told = await (await serve()).inject(browser);
    expect([told.statusCode, told.body]).toEqual([200, expect.stringContaining('npm run build')]);
    const app = await serve({ explorer: fileURLToPath(new URL('../web', import.meta.url)) });
    const led = await app.inject(browser);
    expect([led.statusCode, led.headers.location]).toEqual([302, '/console']);
  });

  it('says whether it lives and whether the lake can be read', async () => {
    const app = await serve();
    expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok' });
    expect((await app.inject('/readyz')).json()).toEqual({ status: 'ready', snapshot: 's0' });
    lake.snapshot = async () => {
      throw new Error('secret path /home/me');
    };
    const response = await app.inject('/readyz');
    expect([response.statusCode, response.json()]).toEqual([503, { status: 'unavailable' }]);
  });

  it('keeps a sensible request id and invents one otherwise', async () => {
    const app = await serve();
    const idOf = async (id: string) =>
      (await app.inject({ url: '/healthz', headers: { 'x-request-id': id } })).headers['x-request-id'];
    expect(await idOf('job-7')).toBe('job-7');
    expect(await idOf('x y<script>')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('masks what it does not know, and logs it', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const app = await serve({ logger });
    lake.query = async () => {
      throw new Error('secret path /home/me');
    };
    const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query: QUERY } });
    expect(response.json().errors).toEqual([
      expect.objectContaining({
        message: 'internal error',
        path: ['runs'],
        extensions: { code: 'INTERNAL' },
      }),
    ]);
    expect(response.body).not.toContain('secret');
    expect(lines.join('')).toContain('secret path');
    expect(JSON.parse(lines[0] ?? '{}').reqId).toBe(response.headers['x-request-id']);
  });
});

describe('running queries', () => {
  it('are cancelled when the client goes away', async () => {
    const reader = blocked();
    const app = await serve({ reader });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const controller = new AbortController();
    const request = fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY }),
      signal: controller.signal,
    });
    await reader.started;
    controller.abort();
    await expect(request).rejects.toThrow();
    expect(await reader.aborted).toMatchObject({ message: 'the client went away' });
  });

  it('are cancelled when their time is up', async () => {
    const reader = blocked();
    const app = await serve({ reader, config: { limits: { time: 50 } } });
    const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query: QUERY } });
    expect(response.json().errors[0].extensions).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      limit: 'time',
      allowed: 50,
    });
  });

  it('may take longer when they change something', async () => {
    const ingestor = {
      ingest: async (_request: unknown, { signal }: { signal: AbortSignal }) => {
        await new Promise((resolve) => setTimeout(resolve, 150));
        signal.throwIfAborted();
        return { runs: [], issues: [] };
      },
    };
    const app = await serve({ ingestor, config: { limits: { time: 50 } } });
    const query = 'mutation { ingest(uri: "x") { accepted } }';
    const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query } });
    expect(response.json().data).toEqual({ ingest: { accepted: 0 } });
  });

  it('are limited for each client', async () => {
    const reader = blocked();
    const app = await serve({ reader, config: { limits: { concurrentQueries: 1 } } });
    const post = () => app.inject({ method: 'POST', url: '/graphql', payload: { query: QUERY } });
    const first = post();
    await reader.started;
    const second = await post();
    expect([second.statusCode, second.json().errors[0].extensions.limit]).toEqual([429, 'concurrentQueries']);
    reader.release();
    expect((await first).json().data.runs.nodes).toHaveLength(1);
    expect((await post()).statusCode).toBe(200);
  });

  it('finish before a closing server ends, and are cancelled when they take too long', async () => {
    const finishing = blocked();
    const app = await createServer({ reader: finishing });
    const answer = app.inject({ method: 'POST', url: '/graphql', payload: { query: QUERY } });
    await finishing.started;
    const closed = app.close();
    finishing.release();
    expect((await answer).json().data.runs.nodes).toHaveLength(1);
    await closed;

    const stuck = blocked();
    const other = await createServer({ reader: stuck, config: { drainMs: 20 } });
    await other.listen({ port: 0, host: '127.0.0.1' });
    const { port } = other.server.address() as AddressInfo;
    const request = fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY }),
    });
    await stuck.started;
    await Promise.all([other.close(), stuck.aborted]);
    const cancelled = (await (await request).json()) as { errors: { extensions: { code: string } }[] };
    expect(cancelled.errors[0]?.extensions.code).toBe('CANCELLED');
  });
});
