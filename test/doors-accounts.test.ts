import type { FastifyInstance } from 'fastify';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WireServer } from '../bi/wire/server.ts';
import { ConcurrencyGate } from '../graphql/limits/concurrency.ts';
import { Metrics } from '../graphql/observability/metrics.ts';
import { statementId } from '../graphql/observability/statement-id.ts';
import { createServer } from '../graphql/server.ts';
import { FAMILIES } from '../ingest/families/families.ts';
import { ingest } from '../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../ingest/testing.ts';
import { Exporter } from '../lake/export/exporter.ts';
import { limitsOf } from '../src/access.ts';
import { TokenDirectory } from '../src/auth/token-directory.ts';
import { TokenRegistry } from '../src/auth/token-registry.ts';
import { loadConfig } from '../src/config.ts';
import { openPostgresDoor } from '../src/postgres-door.ts';
import { smallRuns } from './support/small-runs.ts';
import { type TemporaryLake, temporaryLake } from './support/temporary-lake.ts';

/** Goes on for longer than any test. */
const ENDLESS = `SELECT count(*) AS n FROM ${'abcdef'
  .split('')
  .map((name) => `activations ${name}`)
  .join(', ')} WHERE hash(a.norm + b.norm + c.norm + d.norm + e.norm + f.norm) % 1000003 = 7`;
const CONCURRENT = 3;
const READ_TOGETHER = ['runs', 'predictions', 'generations', 'activations'];

let home: TemporaryLake;
let registry: TokenRegistry;
let app: FastifyInstance;
let origin: string;
let door: WireServer;
/** Milliseconds by which the clock of the tokens is ahead: they are looked up again after two seconds. */
let ahead = 0;
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  home = await temporaryLake();
  const tree = temporaryTree(smallRuns(1));
  await ingest(home.writer, [tree.path], { families: FAMILIES });
  tree.remove();
  const { lake } = home;
  const snapshot = await lake.snapshot();
  const sizes = await Promise.all(READ_TOGETHER.map((table) => lake.size(snapshot, table)));
  const { config } = loadConfig({
    // Each table may be read, but not all of them.
    flags: {
      store: lake.store.uri,
      home: home.directory,
      pgPort: 0,
      queryBytes: Math.max(...sizes.map(({ bytes }) => bytes)),
      concurrentQueries: CONCURRENT,
    },
    env: {},
    cwd: home.directory,
  });
  const logger = pino({ base: undefined }, { write: (line: string) => lines.push(JSON.parse(line)) });
  registry = new TokenRegistry(lake.store);
  const tokens = new TokenDirectory({
    store: lake.store,
    openWithoutTokens: false,
    now: () => Date.now() + ahead,
  });
  const gate = new ConcurrencyGate(CONCURRENT);
  const metrics = new Metrics();
  app = await createServer({
    reader: lake,
    exporter: new Exporter(lake),
    authenticator: tokens,
    metrics,
    gate,
    logger,
    config: { limits: limitsOf(config), admissionMs: 20 },
  });
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const opened = await openPostgresDoor(config, { lake, tokens, logger, gate, metrics, admissionMs: 20 });
  if (opened === undefined) throw new Error('no door');
  door = opened;
});
afterAll(async () => {
  await door?.close();
  await app?.close();
  await home?.remove();
});

async function token(name: string): Promise<string> {
  const { text } = await registry.create({ name, role: 'reader', expiresAt: undefined });
  ahead += 3000;
  return text;
}

async function revoke(name: string): Promise<void> {
  await registry.revoke(name);
  ahead += 3000;
}

async function connected(user: string, password: string): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port: door.port, user, password, database: 'runlake' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const exportUrl = (sql: string, format = 'arrow') =>
  `${origin}/export/query.${format}?${new URLSearchParams({ sql })}`;

async function ask(query: string, text: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { ...bearer(text), 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, body: await response.json() };
}

const sqlField = (sql: string) => `{ sql(query: ${JSON.stringify(sql)}) { rowCount } }`;
const logged = (message: string, principal: string) =>
  lines.filter((line) => line['msg'] === message && line['principal'] === principal);
const scraped = async (text: string) => (await fetch(`${origin}/metrics`, { headers: bearer(text) })).text();

it('statements of the PostgreSQL door are logged and counted like queries', async () => {
  const text = await token('pat');
  const client = await connected('pat', text);
  const sql = 'SELECT run_id FROM runs WHERE seed = $1';
  expect((await client.query(sql, [0])).rows).toHaveLength(2);
  await expect(client.query('SELECT nothing FROM runs')).rejects.toMatchObject({ code: '42703' });
  await client.end();
  await expect.poll(() => logged('session ends', 'pat')).toHaveLength(1);
  const [{ snapshot } = { snapshot: '' }] = logged('statement', 'pat');
  expect((await home.lake.snapshot()).token).toBe(snapshot);
  expect(logged('statement', 'pat')).toMatchObject([
    {
      session: expect.any(Number),
      statement: statementId(sql),
      outcome: 'ok',
      rows: 2,
      files: 2,
      bytes: expect.any(Number),
    },
  ]);
  const counts = await scraped(text);
  for (const line of [
    'runlake_postgres_sessions_total 1',
    'runlake_postgres_sessions 0',
    'runlake_postgres_open_statements 0',
    'runlake_postgres_statement_seconds_count{outcome="ok"} 1',
    'runlake_postgres_errors_total{sqlstate="42703"} 1',
    'runlake_read_total{door="postgres",what="rows"} 2',
  ])
    expect(counts).toContain(line);
});

it('exports are logged and counted, however they end', async () => {
  const text = await token('eve');
  const sql = 'SELECT * FROM predictions';
  const headers = { ...bearer(text), 'x-request-id': 'job-8' };
  const response = await fetch(exportUrl(sql), { headers });
  const bytes = (await response.arrayBuffer()).byteLength;
  const stored = await ask(
    'mutation { exportQuery(input: {sql: "SELECT run_id FROM runs", format: PARQUET}) { rows bytes } }',
    text,
  );
  expect(stored.body).toMatchObject({ data: { exportQuery: { rows: 2 } } });
  expect((await fetch(exportUrl('SELECT nothing FROM runs'), { headers })).status).toBe(400);
  expect(logged('export', 'eve')).toMatchObject([
    {
      reqId: 'job-8',
      how: 'stream',
      format: 'arrow-stream',
      statement: statementId(sql),
      outcome: 'ok',
      rows: 12,
      files: 2,
      written: bytes,
      snapshot: response.headers.get('x-runlake-snapshot'),
    },
    { how: 'store', format: 'parquet', outcome: 'ok', rows: 2, files: 2 },
    { how: 'stream', outcome: 'QUERY_FAILED', rows: 0, written: 0 },
  ]);
  const counts = await scraped(text);
  expect(counts).toContain(`runlake_export_total{how="stream",what="bytes"} ${bytes}`);
  expect(counts).toContain('runlake_export_seconds_count{how="store",format="parquet",outcome="ok"} 1');
  expect(counts).toContain('runlake_read_total{door="export",what="rows"} 12');
});

it('every door has the limit of bytes, and says its name', async () => {
  const text = await token('max');
  const over = `SELECT count(*) AS n FROM ${READ_TOGETHER.join(', ')}`;
  const extensions = { code: 'LIMIT_EXCEEDED', limit: 'bytesRead' };
  expect((await ask(sqlField(over), text)).body).toMatchObject({ errors: [{ extensions }] });
  const response = await fetch(exportUrl(over), { headers: bearer(text) });
  expect(await response.json()).toMatchObject({ errors: [{ extensions }] });
  const client = await connected('max', text);
  await expect(client.query(over)).rejects.toMatchObject({
    code: '54000',
    detail: expect.stringContaining('limit bytesRead'),
  });
  await expect(client.query(`SET statement_timeout = 50; ${ENDLESS}`)).rejects.toMatchObject({
    code: '57014',
    detail: expect.stringContaining('limit time'),
  });
  await client.end();
});

it('what a token has under way is counted over all doors', async () => {
  const text = await token('con');
  const client = await connected('con', text);
  await client.query('BEGIN');
  for (let i = 0; i < CONCURRENT; i++)
    await client.query(`DECLARE c${i} CURSOR FOR SELECT * FROM predictions`);
  const extensions = { limit: 'concurrentQueries', allowed: CONCURRENT };
  expect(await ask('{ runs { totalCount } }', text)).toMatchObject({
    status: 429,
    body: { errors: [{ extensions }] },
  });
  expect((await fetch(exportUrl('SELECT 1 AS one'), { headers: bearer(text) })).status).toBe(429);
  await client.query('SAVEPOINT s');
  await expect(client.query('SELECT * FROM runs')).rejects.toMatchObject({
    code: '53400',
    detail: expect.stringContaining('limit concurrentQueries'),
  });
  await client.query('ROLLBACK');
  expect((await ask('{ runs { totalCount } }', text)).status).toBe(200);
  await client.end();
});

it('sessions, exports and queries end with the token that began them', async () => {
  const text = await token('rex');
  const idle = await connected('rex', text);
  const busy = await connected('rex', text);
  const thrownOut = new Promise<unknown>((resolve) => idle.on('error', resolve));
  let readExport = () => {};
  const exportBegan = new Promise<void>((resolve) => {
    readExport = resolve;
  });
  const ends = [
    expect(busy.query(ENDLESS)).rejects.toMatchObject({ code: '57P01', message: /rex is revoked/ }),
    expect(ask(sqlField(ENDLESS), text)).resolves.toMatchObject({
      body: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    }),
    expect(
      (async () => {
        const sql = "SELECT repeat('x', 500) || r.i AS text FROM range(2000000) r(i)";
        const { body, status } = await fetch(exportUrl(sql), { headers: bearer(text) });
        expect(status).toBe(200);
        const reader = body?.getReader();
        await reader?.read();
        readExport();
        await expect.poll(() => logged('session ends', 'rex').length).toBeGreaterThan(0);
        for (let done = false; !done; ) done = (await reader?.read())?.done ?? true;
      })(),
    ).rejects.toThrow(),
  ];
  await expect.poll(() => door && logged('session begins', 'rex')).toHaveLength(2);
  await exportBegan;
  await revoke('rex');
  await Promise.all(ends);
  expect(await thrownOut).toMatchObject({ code: '57P01' });
  await expect(connected('rex', text)).rejects.toMatchObject({ code: '28P01' });
});

it('one client cannot take all sessions', async () => {
  const text = await token('sam');
  const opened: pg.Client[] = [];
  let refused: unknown;
  while (refused === undefined && opened.length <= 60) {
    try {
      opened.push(await connected('sam', text));
    } catch (error) {
      refused = error;
    }
  }
  expect(opened).toHaveLength(50);
  expect(refused).toMatchObject({ code: '53300', message: 'too many connections for role "sam"' });
  await Promise.all(opened.map((client) => client.end()));
});
