import { once } from 'node:events';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EmbeddedQueue } from '../compute/jobs/embedded-queue.ts';
import { JobService } from '../compute/jobs/job-service.ts';
import { TASKS } from '../compute/tasks/tasks.ts';
import { AddressPolicy } from '../graphql/access/addresses.ts';
import { ROLES, type Role } from '../graphql/access/principal.ts';
import { createServer } from '../graphql/server.ts';
import { FAMILIES } from '../ingest/families/families.ts';
import { ingest } from '../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../ingest/testing.ts';
import { Lake } from '../lake/lake.ts';
import { LocalStore } from '../lake/store/local-store.ts';
import { LakeWriter } from '../lake/writer.ts';
import { TokenDirectory } from '../src/auth/token-directory.ts';
import { TokenRegistry } from '../src/auth/token-registry.ts';
import { ingestorOf, publisherOf, upkeepOf } from '../src/services.ts';
import { smallRuns } from './support/small-runs.ts';

/** What lies outside everything that the server may touch. */
const SECRET = 'the-secret-that-nobody-reads';
/** Milliseconds a query may take: every case is over soon after. */
const TIME = 500;

let directory: string;
let lake: Lake;
let queue: EmbeddedQueue;
let app: FastifyInstance;
let port: number;
let canary: Server;
let canaryRequests = 0;
let canaryUrl: string;
let before: string;
const tokens: Record<Role | 'expired' | 'revoked', string> = {
  reader: '',
  ingester: '',
  operator: '',
  expired: '',
  revoked: '',
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'runlake-hostile-'));
  writeFileSync(join(directory, 'secret.txt'), SECRET);
  writeFileSync(join(directory, 'secret.csv'), `a,b\n${SECRET},1\n`);
  const store = new LocalStore(join(directory, 'store'));
  lake = await Lake.open({
    store,
    home: join(directory, 'home'),
    cacheBytes: 1e8,
    memory: 1.5e8,
    threads: 2,
  });
  const writer = await LakeWriter.open(lake, { memory: 1e8 });
  const tree = temporaryTree(smallRuns(1));
  await ingest(writer, [tree.path], { families: FAMILIES });
  tree.remove();
  const registry = new TokenRegistry(store);
  for (const role of ROLES)
    tokens[role] = (await registry.create({ name: role, role, expiresAt: undefined })).text;
  tokens.revoked = (await registry.create({ name: 'revoked', role: 'operator', expiresAt: undefined })).text;
  await registry.revoke('revoked');
  const earlier = new TokenRegistry(store, () => new Date(0));
  const expiresAt = new Date(1000);
  tokens.expired = (await earlier.create({ name: 'expired', role: 'operator', expiresAt })).text;
  mkdirSync(join(directory, 'root'));
  writeFileSync(join(directory, 'store', 'readme.txt'), 'an upload that has no folder');
  symlinkSync(directory, join(directory, 'root', 'out'));
  canary = createHttpServer((_request, response) => {
    canaryRequests += 1;
    response.end(SECRET);
  }).listen(0, '127.0.0.1');
  await once(canary, 'listening');
  canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
  queue = new EmbeddedQueue(join(directory, 'home', 'queue'));
  app = await createServer({
    reader: lake,
    authenticator: new TokenDirectory({ store, openWithoutTokens: true }),
    addresses: new AddressPolicy({
      store: store.uri,
      readRoots: [join(directory, 'root')],
      writeRoots: [],
      endpoints: ['http://127.0.0.1:1/v1'],
    }),
    ingestor: ingestorOf(writer, {}),
    upkeep: upkeepOf(writer),
    publisher: publisherOf(writer, {}),
    jobs: new JobService(queue, store, TASKS),
    config: { limits: { time: TIME, concurrentQueries: 64 }, arrivalMs: 1_500 },
  });
  app.addHook('onClose', () => writer.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.address() as AddressInfo).port;
  before = fingerprint();
});
afterAll(async () => {
  await app.close();
  await queue.close();
  await lake.close();
  canary.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Every file below the store and beside it, with its size and time; not the server's own cache. */
function fingerprint(folder = directory): string {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => join(folder, name) !== join(directory, 'home'))
    .map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return fingerprint(path);
      const { size, mtimeMs } = lstatSync(path);
      return `${path} ${size} ${mtimeMs}`;
    })
    .join('\n');
}

/** That what was asked has changed, told and asked nothing, and that the server is well. */
async function nothingHappened(...answers: readonly string[]): Promise<void> {
  for (const answer of answers) {
    expect(answer).not.toContain(SECRET);
    expect(answer).not.toMatch(/root:[^:]*:0:0/);
  }
  expect(canaryRequests).toBe(0);
  expect(fingerprint()).toBe(before);
  // Others share this machine: it may be slow for a moment.
  const runs = async (): Promise<unknown> =>
    (await ask('{ runs(first: 1) { nodes { id } } }')).json.data?.['runs'];
  await expect.poll(runs).toMatchObject({ nodes: [{ id: expect.any(String) }] });
}

const answerSchema = z.looseObject({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(
      z.looseObject({
        message: z.string(),
        extensions: z.looseObject({ code: z.string(), limit: z.string().optional() }),
      }),
    )
    .optional(),
});

async function send(options: InjectOptions) {
  const response = await app.inject(options);
  return { status: response.statusCode, text: response.body, headers: response.headers };
}

async function ask(query: string, variables: unknown = {}, token: string = tokens.reader) {
  const { status, text } = await send({
    method: 'POST',
    url: '/graphql',
    payload: { query, variables },
    headers: { authorization: `Bearer ${token}` },
  });
  const json = answerSchema.parse(JSON.parse(text));
  return {
    status,
    text,
    json,
    code: json.errors?.[0]?.extensions.code,
    limit: json.errors?.[0]?.extensions.limit,
  };
}

/** Runs cases a few at a time: most of them wait for their limit. */
async function inBatches<T>(cases: readonly T[], work: (one: T) => Promise<string>, size = 4): Promise<void> {
  for (let i = 0; i < cases.length; i += size) {
    await nothingHappened(...(await Promise.all(cases.slice(i, i + size).map(work))));
  }
}

const sql = (query: string) => ask('query ($q: String!) { sql(query: $q) { rows } }', { q: query });

describe('SQL', () => {
  const forbidden = (): string[] => [
    // Files.
    ...[
      `read_csv('SECRETS.csv')`,
      `read_text('SECRETS.txt')`,
      `read_blob('SECRETS.txt')`,
      `read_json('SECRETS.csv')`,
      `read_parquet('STORE/tables/runs/*.parquet')`,
      `parquet_metadata('STORE/tables/runs/*.parquet')`,
      `read_csv_auto('/etc/passwd')`,
      `sniff_csv('SECRETS.csv')`,
      `glob('/**')`,
      `'SECRETS.csv'`,
      `"SECRETS.csv"`,
      `'/etc/passwd'`,
      `read_ndjson_objects('/proc/self/environ')`,
      `read_text('STORE/auth/tokens/*')`,
      `query('select 1')`,
      `query_table('runs')`,
      `sqlite_scan('x', 'y')`,
      `arrow_scan(1, 2, 3)`,
      // Its own state.
      `duckdb_settings()`,
      `duckdb_secrets()`,
      `duckdb_extensions()`,
      `duckdb_temporary_files()`,
      `duckdb_memory()`,
      `duckdb_functions()`,
      `duckdb_views()`,
      `duckdb_tables()`,
      `pragma_database_list`,
      `pragma_storage_info('runs')`,
      `pragma_user_agent()`,
      `information_schema.tables`,
      `pg_catalog.pg_settings`,
      `sqlite_master`,
      `system.main.runs`,
      `temp.runs`,
      `memory.main.runs`,
      `which_secret('s3://x', 's3')`,
      `checkpoint()`,
      `force_checkpoint()`,
      `test_all_types()`,
      `seq_scan('runs')`,
      `summary((select 1))`,
      // The network.
      `'CANARY/x.csv'`,
      `read_csv('CANARY/x.csv')`,
      `read_parquet('s3://bucket/x')`,
      `read_text('https://example.com')`,
      `iceberg_scan('x')`,
      `delta_scan('x')`,
      `postgres_scan('a', 'b', 'c')`,
    ].map((from) => `SELECT * FROM ${from}`),
    ...[
      `getenv('HOME')`,
      `current_setting('home_directory')`,
      `getvariable('x')`,
      `nextval('s')`,
      `json_execute_serialized_sql(json_serialize_sql('select 1'))`,
      `write_log('x')`,
    ].map((call) => `SELECT ${call}`),
    // Statements that are no SELECT, and more than one.
    `ATTACH 'SECRETS.db'`,
    `ATTACH ':memory:' AS x`,
    `DETACH memory`,
    `USE memory`,
    `COPY runs TO 'SECRETS.parquet'`,
    `COPY (SELECT 1) TO 'STORE/x.csv'`,
    `COPY runs FROM 'SECRETS.csv'`,
    `EXPORT DATABASE 'SECRETS'`,
    `IMPORT DATABASE 'SECRETS'`,
    `INSTALL httpfs`,
    `LOAD httpfs`,
    `FORCE INSTALL spatial FROM 'CANARY'`,
    `SET memory_limit = '100GB'`,
    `SET enable_external_access = true`,
    `SET lock_configuration = false`,
    `RESET memory_limit`,
    `PRAGMA database_list`,
    `PRAGMA enable_profiling`,
    `PRAGMA threads = 100`,
    `CREATE TABLE x AS SELECT 1`,
    `CREATE OR REPLACE TEMP VIEW runs AS SELECT 1`,
    `CREATE MACRO m() AS TABLE SELECT * FROM read_text('SECRETS.txt')`,
    `CREATE SECRET s (TYPE s3)`,
    `DROP VIEW runs`,
    `DELETE FROM runs`,
    `UPDATE runs SET run_id = 'x'`,
    `INSERT INTO runs SELECT * FROM runs`,
    `TRUNCATE runs`,
    `VACUUM`,
    `CHECKPOINT`,
    `CALL pragma_version()`,
    `EXECUTE x`,
    `PREPARE x AS SELECT 1`,
    `EXPLAIN ANALYZE SELECT * FROM read_text('SECRETS.txt')`,
    `BEGIN`,
    `SELECT 1; COPY runs TO 'SECRETS.csv'`,
    `SELECT 1; SELECT 2`,
    `;`,
    ``,
    `\u0000`,
    // Hidden deeper.
    `WITH x AS (SELECT * FROM read_text('SECRETS.txt')) SELECT * FROM x`,
    `SELECT (SELECT content FROM read_text('SECRETS.txt'))`,
    `SELECT * FROM runs WHERE run_id IN (SELECT content FROM read_text('SECRETS.txt'))`,
    `SELECT * FROM runs UNION ALL SELECT * FROM 'SECRETS.csv'`,
    `SELECT * FROM runs, LATERAL (SELECT * FROM read_text('SECRETS.txt'))`,
    `FROM (DESCRIBE 'SECRETS.csv')`,
    `SUMMARIZE 'SECRETS.csv'`,
    `PIVOT 'SECRETS.csv' ON a`,
    `WITH "SECRETS.csv" AS (SELECT 1) SELECT * FROM "SECRETS.csv"`,
    `SELECT * FROM runs ORDER BY (SELECT 1 FROM glob('*'))`,
    `VALUES ((SELECT content FROM read_text('SECRETS.txt')))`,
    `SELECT list_transform([1], x -> getenv('HOME'))`,
    // Values that no limit would stop.
    `SELECT length(repeat('x', 3000000000))`,
    `SELECT repeat(repeat('x', 100000), 20000)`,
    `WITH a AS (SELECT repeat('x', 90000) s) SELECT repeat(s, 90000) FROM a`,
    `SELECT repeat('x', (SELECT count(*) FROM runs) * 1000000000)`,
    `SELECT rpad('x', 2000000000, 'x')`,
    `SELECT lpad(prompt, 1000000000, 'x') FROM generations`,
    `SELECT len(range(1000000000))`,
    `SELECT flatten(list_transform(range(10000), x -> range(10000)))`,
    `WITH a AS (SELECT repeat('x', 90000) s) SELECT list_transform(range(len(s)), x -> range(len(s))) FROM a`,
    `WITH a AS (SELECT repeat('x', 90000) s) SELECT repeat(s, len(s)) FROM a`,
    `SELECT len(range(len(prompt) * 1000000000)) FROM generations`,
    `SELECT list_resize([1], 500000000)`,
    `SELECT format('{:1000000000}', 1)`,
    `SELECT printf('%*d', 1000000000, 1)`,
    `SELECT printf('%1000000000d', 1)`,
    `SELECT to_base(1, 2, 1000000000)`,
    `SELECT bitstring('1', 2000000000)`,
    `SELECT levenshtein(a.prompt, b.prompt) FROM generations a, generations b`,
    `SELECT damerau_levenshtein(prompt, prompt) FROM generations`,
  ];

  test('reads no file, no setting and no address, loads and writes nothing', async () => {
    const cases = forbidden().map((text) =>
      text
        .replaceAll('SECRETS', join(directory, 'secret'))
        .replaceAll('STORE', join(directory, 'store'))
        .replaceAll('CANARY', canaryUrl),
    );
    expect(cases.length).toBeGreaterThan(110);
    await inBatches(
      cases,
      async (text) => {
        const answer = await sql(text);
        expect([text, answer.code, answer.json.data]).toEqual([
          text,
          expect.stringMatching(/^(SQL_FORBIDDEN|QUERY_FAILED|LIMIT_EXCEEDED)$/),
          null,
        ]);
        return answer.text;
      },
      16,
    );
  });

  const greedy = [
    `SELECT count(*) FROM range(1000000000000)`,
    `SELECT count(*) FROM range(10000000) a, range(10000000) b`,
    `SELECT * FROM range(100000000) ORDER BY random()`,
    `SELECT count(DISTINCT random()) FROM range(1000000000)`,
    `WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t`,
    `WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x FROM t, range(2)) SELECT count(*) FROM t`,
    `SELECT count(*) FROM generations a, generations b, generations c, generations d, generations e, generations f, generations g, generations h, generations i, generations j`,
    `SELECT string_agg(repeat('x', 100000), '') FROM range(1000000)`,
    `SELECT list(repeat('x', 100000)) FROM range(1000000)`,
    `SELECT list(range) FROM range(10000000000)`,
    `SELECT map_from_entries(list((range, range))) FROM range(1000000000)`,
    `SELECT sum(a.range) OVER (ORDER BY random()) FROM range(100000000) a`,
    `SELECT count(*) FROM (SELECT unnest(range(100000)) FROM range(100000))`,
    `SELECT approx_quantile(random(), 0.5) FROM range(10000000000)`,
    `SELECT count(*) FROM range(1000000000) WHERE regexp_matches(range::VARCHAR, '(9*)*8$')`,
    `SELECT a.range FROM range(100000000) a JOIN range(100000000) b ON a.range % 7 < b.range % 11 ORDER BY 1 LIMIT 1`,
  ];
  test('ends within its limits, whatever it asks for', async () => {
    await inBatches(greedy, async (query) => {
      const { code, limit, text } = await sql(query);
      const outcome = code === 'LIMIT_EXCEEDED' ? limit : code;
      expect([query, outcome]).toEqual([query, expect.toBeOneOf(['time', 'QUERY_OUT_OF_MEMORY'])]);
      return text;
    });
  });

  test('expressions that are awkward to match are matched in linear time', async () => {
    for (const pattern of [
      '(a*)*b',
      '(a|a)*b',
      '(.*)(.*)(.*)(.*)x',
      `(${'a?'.repeat(200)})b`,
      `${'(a+)+'.repeat(20)}b`,
    ]) {
      const { code, text } = await sql(`SELECT regexp_matches(repeat('a', 20000), '${pattern}')`);
      expect([pattern, code === undefined || code === 'QUERY_FAILED']).toEqual([pattern, true]);
      await nothingHappened(text);
    }
  });

  test('deep and long statements are answered or refused', async () => {
    const cases = [
      `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`,
      `SELECT ${'-'.repeat(1)}${' - '.repeat(10_000)}1`,
      `SELECT 1${' + 1'.repeat(20_000)}`,
      `SELECT ${Array.from({ length: 20_000 }, (_, i) => `${i} AS c${i}`).join(', ')}`,
      `SELECT ${'CASE WHEN 1=1 THEN '.repeat(2_000)}1${' END'.repeat(2_000)}`,
      `SELECT * FROM ${'(SELECT * FROM '.repeat(500)}runs${')'.repeat(500)}`,
      `SELECT 1 ${'UNION ALL SELECT 1 '.repeat(2_000)}`,
      `SELECT * FROM runs WHERE run_id IN (${Array.from({ length: 50_000 }, (_, i) => `'${i}'`).join(',')})`,
      `SELECT '${'x'.repeat(500_000)}'`,
      `SELECT ${'[ '.repeat(500)}1${']'.repeat(500)}`,
    ];
    await inBatches(cases, async (text) => (await sql(text)).text);
  });

  test('rows and columns are bounded', async () => {
    const many = await ask(
      '{ sql(query: "SELECT * FROM range(1000000000)", maxRows: 10) { rows truncated } }',
    );
    expect(many.json.data).toMatchObject({ sql: { truncated: true } });
    expect((await ask('{ sql(query: "SELECT 1", maxRows: 1000000000) { rows } }')).limit).toBe('rows');
    expect((await ask('{ sql(query: "SELECT 1", maxRows: -1) { rows } }')).code).toBe('BAD_USER_INPUT');
    await nothingHappened(many.text);
  });
});

describe('HTTP', () => {
  const json = { 'content-type': 'application/json' };
  const good = '{"query":"{ __typename }"}';
  const requests: readonly [string, InjectOptions, number | readonly number[]][] = [
    ['no body', { headers: json }, 400],
    ['half of JSON', { headers: json, payload: '{"query":"{' }, 400],
    ['no JSON', { headers: json, payload: 'query { runs }' }, 400],
    ['UTF-8 that is none', { headers: json, payload: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }, 400],
    [
      'half a character',
      { headers: json, payload: Buffer.from('{"query":"{ x(a: \\"\u00e9\\") }"}').subarray(0, 20) },
      400,
    ],
    ['UTF-16', { headers: json, payload: Buffer.from(good, 'utf16le') }, 400],
    ['a byte order mark', { headers: json, payload: `\ufeff${good}` }, [200, 400]],
    ['null', { headers: json, payload: 'null' }, 400],
    ['a number', { headers: json, payload: '1e999' }, 400],
    ['a text', { headers: json, payload: '"{ __typename }"' }, 400],
    ['an empty list', { headers: json, payload: '[]' }, 400],
    ['a batch', { headers: json, payload: `[${Array(1000).fill(good).join(',')}]` }, 400],
    ['a query that is a list', { headers: json, payload: '{"query":["{ __typename }"]}' }, 400],
    ['a query that is an object', { headers: json, payload: '{"query":{"toString":"x"}}' }, 400],
    ['an empty query', { headers: json, payload: '{"query":""}' }, 400],
    [
      'variables that are a text',
      { headers: json, payload: '{"query":"{ __typename }","variables":"x"}' },
      400,
    ],
    [
      'variables that are a list',
      { headers: json, payload: '{"query":"{ __typename }","variables":[]}' },
      [200, 400],
    ],
    [
      'an operation name that is none',
      { headers: json, payload: '{"query":"{ __typename }","operationName":"x"}' },
      400,
    ],
    [
      '__proto__',
      { headers: json, payload: '{"__proto__":{"role":"operator"},"query":"{ __typename }"}' },
      400,
    ],
    [
      'constructor.prototype',
      { headers: json, payload: '{"constructor":{"prototype":{"x":1}},"query":"{ __typename }"}' },
      400,
    ],
    [
      'a persisted query',
      { headers: json, payload: '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"0"}}}' },
      [200, 400],
    ],
    [
      'a giant body',
      { headers: json, payload: JSON.stringify({ query: `{ __typename } #${'x'.repeat(2 ** 20)}` }) },
      413,
    ],
    [
      'giant variables',
      {
        headers: json,
        payload: JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(2 ** 20) } }),
      },
      413,
    ],
    [
      'many members',
      { headers: json, payload: `{${Array.from({ length: 30_000 }, (_, i) => `"k${i}":0`).join(',')}}` },
      400,
    ],
    [
      'deep variables',
      {
        headers: json,
        payload: `{"query":"query ($x: JSON) { explainCost(query: \\"{ a }\\", variables: $x) { files } }","variables":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
      },
      400,
    ],
    ['text/plain', { headers: { 'content-type': 'text/plain' }, payload: good }, [400, 415]],
    [
      'a form',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'query=%7B__typename%7D' },
      415,
    ],
    ['multipart', { headers: { 'content-type': 'multipart/form-data; boundary=x' }, payload: '--x--' }, 415],
    [
      'XML',
      {
        headers: { 'content-type': 'application/xml' },
        payload: '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
      },
      415,
    ],
    ['no content type', { payload: good }, [400, 415]],
    [
      'a strange content type',
      { headers: { 'content-type': 'application/json\u00e9' }, payload: good },
      [400, 415],
    ],
    [
      'another charset',
      { headers: { 'content-type': 'application/json; charset=utf-7' }, payload: good },
      [200, 400, 415],
    ],
    ['PUT', { method: 'PUT', headers: json, payload: good }, 404],
    ['DELETE', { method: 'DELETE' }, 404],
    [
      'GET of a mutation',
      { method: 'GET', url: '/graphql?query=mutation%7Bcompact%7Btable%7D%7D' },
      [400, 405],
    ],
    ['GET without a preflight', { method: 'GET', url: '/graphql?query=%7B__typename%7D' }, 400],
    [
      'GET of two queries',
      {
        method: 'GET',
        url: '/graphql?query=%7Ba%7D&query=%7Bb%7D',
        headers: { 'apollo-require-preflight': '1' },
      },
      400,
    ],
    ['a path outside', { method: 'GET', url: '/../../etc/passwd' }, [400, 404]],
    ['an encoded path outside', { method: 'GET', url: '/%2e%2e/%2e%2e/etc/passwd' }, [400, 404]],
    ['a broken escape', { method: 'GET', url: '/%zz' }, [400, 404]],
    ['an export of a path', { method: 'GET', url: '/export/..%2f..%2fsecret.txt' }, [400, 403, 404]],
    ['a long path', { method: 'GET', url: `/${'x'.repeat(10_000)}` }, [404, 414]],
    ['a script as an id', { headers: { ...json, 'x-request-id': '<script>' }, payload: good }, 200],
    ['a forwarded address', { headers: { ...json, 'x-forwarded-for': '127.0.0.1' }, payload: good }, 200],
    [
      'another method by header',
      { headers: { ...json, 'x-http-method-override': 'DELETE' }, payload: good },
      200,
    ],
  ];
  test('broken requests get an answer that says so', async () => {
    await inBatches(
      requests,
      async ([name, request, expected]) => {
        const { status, text, headers } = await send({
          method: 'POST',
          url: '/graphql',
          ...request,
          headers: { authorization: `Bearer ${tokens.reader}`, ...request.headers },
        });
        expect([name, [expected].flat()]).toEqual([name, expect.arrayContaining([status])]);
        expect(headers['x-request-id'] ?? 'none').toMatch(/^[\w.:-]+$/);
        return text;
      },
      16,
    );
  });

  test('a body that comes slowly, or never, is not waited for', async () => {
    const heads = [
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${tokens.reader}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-',
      'GET / HT',
    ];
    await Promise.all(
      heads.map(async (head) => {
        const socket = connect(port, '127.0.0.1');
        const chunks: string[] = [];
        socket.on('data', (chunk) => chunks.push(String(chunk))).on('error', () => undefined);
        const drip = setInterval(() => socket.write('x'), 100);
        socket.write(head);
        // The server may reset the connection.
        await new Promise((resolve) => socket.once('close', resolve));
        clearInterval(drip);
        expect(chunks.join('')).toMatch(/^HTTP\/1.1 4\d\d|^$/);
      }),
    );
    await nothingHappened();
  });

  test('requests that are two at once, or none, are refused', async () => {
    for (const raw of [
      'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
      'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx',
      'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n',
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`,
      'GET / HTTP/1.1\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    ]) {
      const socket = connect(port, '127.0.0.1');
      const chunks: string[] = [];
      socket.on('data', (chunk) => chunks.push(String(chunk))).on('error', () => undefined);
      socket.write(raw);
      // The server may reset the connection.
      await new Promise((resolve) => socket.once('close', resolve));
      expect([raw.slice(0, 60), chunks.join('')]).toEqual([
        raw.slice(0, 60),
        expect.stringMatching(/^HTTP\/1.1 4\d\d/),
      ]);
    }
    await nothingHappened();
  });
});

describe('documents', () => {
  const repeated = (count: number, of: (i: number) => string, separator = ' ') =>
    Array.from({ length: count }, (_, i) => of(i)).join(separator);
  const documents: readonly [string, string][] = [
    ['a circle of one', '{ runs { nodes { ...a } } } fragment a on Run { ...a }'],
    [
      'a circle of three',
      '{ runs { nodes { ...a } } } fragment a on Run { ...b } fragment b on Run { ...c } fragment c on Run { ...a }',
    ],
    [
      'fragments that double',
      `{ runs { nodes { ...f0 } } } ${repeated(30, (i) => `fragment f${i} on Run { a${i}: generations { run { ...f${i + 1} } } b${i}: generations { run { ...f${i + 1} } } }`)} fragment f30 on Run { id }`,
    ],
    ['unused fragments', `{ __typename } ${repeated(1000, (i) => `fragment f${i} on Run { id }`)}`],
    ['an alias bomb', `{ ${repeated(2000, (i) => `a${i}: __typename`)} }`],
    [
      'aliases of a field that costs',
      `{ ${repeated(500, (i) => `a${i}: sql(query: "SELECT 1") { rows }`)} }`,
    ],
    ['many directives', `{ __typename ${repeated(2000, () => '@include(if: true)')} }`],
    ['unknown directives', `{ __typename ${repeated(2000, (i) => `@x${i}`)} }`],
    ['many operations', repeated(1000, (i) => `query q${i} { __typename }`)],
    ['many variables', `query (${repeated(1500, (i) => `$v${i}: Int`)}) { __typename }`],
    ['a deep list', `{ runs(filter: {id: {in: ${'['.repeat(240)}"x"${']'.repeat(240)}}}) { totalCount } }`],
    ['brackets without end', '{'.repeat(1000)],
    ['strings without end', '{ a(b: """'],
    ['escapes that are none', '{ run(id: "\\u{110000}") { id } }'],
    ['surrogates alone', '{ run(id: "\\uD800") { id } }'],
    [
      'introspection in circles',
      `{ __schema { types { ${'fields { type { '.repeat(60)} name ${'} } '.repeat(60)} } } }`,
    ],
    [
      'introspection through lists',
      `{ __schema { types { fields { type { fields { type { fields { type { fields { type { fields { name } } } } } } } } } } } }`,
    ],
    ['huge numbers', `{ runs(first: ${'9'.repeat(5000)}) { totalCount } }`],
    ['a page of all', '{ runs(first: 2147483647) { nodes { id } } }'],
    [
      'pages in pages',
      '{ runs(first: 10000) { nodes { generations(first: 10000) { predictions(first: 10000) { scoreHalu } } } } }',
    ],
    [
      'many conditions',
      `{ runs(filter: {or: [${repeated(900, (i) => `{id: {in: ["${i}", "a", "b"]}}`)}]}) { totalCount } }`,
    ],
    [
      'costs of costs',
      '{ explainCost(query: "{ explainCost(query: \\"{ runs { totalCount } }\\") { files } }") { files } }',
    ],
    ['costs of a deep document', `{ explainCost(query: "${'{a'.repeat(3000)}") { files } }`],
    ['a subscription over HTTP', 'subscription { runIngested { id } }'],
    ['names of prototypes', '{ __proto__ constructor hasOwnProperty }'],
    ['a null byte', '{ runs \u0000 { totalCount } }'],
    ['nothing', '# nothing'],
  ];
  test('are answered or refused, and cost little', async () => {
    await inBatches(
      documents,
      async ([name, document]) => {
        const { text, json, status } = await ask(document);
        expect([name, status]).toEqual([name, expect.toBeOneOf([200, 400, 405])]);
        expect([
          name,
          json.errors?.some(({ extensions }) => extensions.code === 'INTERNAL') ?? false,
        ]).toEqual([name, false]);
        return text.length > 100_000 ? text.slice(0, 100_000) : text;
      },
      8,
    );
  });

  test('texts that are paths, SQL and scripts are texts', async () => {
    const texts = [
      '../../secret.txt',
      '/etc/passwd',
      "' OR 1=1 --",
      '{{7*7}}',
      '#{7*7}',
      '<script>',
      '%00',
      'a\u0000b',
      '\ud800',
      'x'.repeat(100_000),
      'auth/tokens/x',
      '__proto__',
    ];
    const queries = [
      'query ($x: ID!) { run(id: $x) { id } }',
      'query ($x: String) { runs(after: $x) { totalCount } }',
      'query ($x: String) { runs(asOf: {snapshot: $x}) { totalCount } }',
      'query ($x: ID!) { job(id: $x) { id } }',
      'query ($x: String) { jobs(after: $x) { nodes { id } } }',
      'query ($x: ID!) { fvLayerCurve(runId: $x) { layer } }',
    ];
    for (const query of queries) {
      const answers = await Promise.all(texts.map((x) => ask(query, { x })));
      await nothingHappened(...answers.map(({ text }) => text.replaceAll(SECRET, '')));
      for (const { json } of answers)
        expect([query, json.errors?.[0]?.extensions.code]).not.toEqual([query, 'INTERNAL']);
    }
  });
});

describe('tokens', () => {
  const changing = [
    'mutation { ingest(uri: "x") { accepted } }',
    'mutation { compact { table } }',
    'mutation { vacuum(retentionHours: 0) { table } }',
    'mutation { publishRun(input: {runId: "x", out: "/tmp"}) { status } }',
    'mutation { cancelJob(id: "x") { id } }',
    'mutation { retryJob(id: "x") { id } }',
    'mutation { launchInference(input: {model: {path: "/"}, prompts: ["x"]}) { id } }',
    'mutation { launchEvaluation(input: {runId: "x"}) { id } }',
    'mutation { launchFv(input: {model: {path: "/"}, relation: "/etc/passwd"}) { id } }',
    'mutation { a: __typename ... on Mutation { b: vacuum { table } } }',
    'mutation { ...f } fragment f on Mutation { compact { table } }',
    'mutation ($no: Boolean = false) { compact @include(if: $no) { table } }',
  ];
  test('readers change nothing, whatever the operation looks like', async () => {
    await inBatches(
      changing,
      async (query) => {
        const { code, status, text } = await ask(query);
        expect([query, status, code]).toEqual([query, 403, 'FORBIDDEN']);
        return text;
      },
      16,
    );
  });

  test('ingesters do what operators do not', async () => {
    for (const query of changing.filter((text) => /compact|vacuum|publish/.test(text))) {
      const { code, status } = await ask(query, {}, tokens.ingester);
      expect([query, status, code]).toEqual([query, 403, 'FORBIDDEN']);
    }
    await nothingHappened();
  });

  test('forged, expired, revoked and foreign tokens are none', async () => {
    const { reader, operator, expired, revoked } = tokens;
    const [, id, secret = ''] = operator.split('_');
    const record = JSON.parse(readFileSync(join(directory, `store/auth/tokens/${id}.json`), 'utf8'));
    const headers = [
      ...[
        expired,
        revoked,
        `rl_${id}_${'0'.repeat(48)}`,
        `rl_${reader.split('_')[1]}_${secret}`,
        `rl_${id}_${record.sha256}`,
      ],
      ...[
        `rl_${id}`,
        `${operator}x`,
        operator.slice(0, -1),
        operator.toUpperCase(),
        `${operator},${reader}`,
        `${reader} ${operator}`,
      ],
      ...[
        'null',
        'undefined',
        'true',
        '{}',
        '*',
        '..',
        'anonymous',
        'eyJhbGciOiJub25lIn0.eyJyb2xlIjoib3BlcmF0b3IifQ.',
      ],
    ].map((token) => `Bearer ${token}`);
    headers.push(
      '',
      'Bearer',
      `Basic ${Buffer.from(`operator:${operator}`).toString('base64')}`,
      operator,
      `Token ${operator}`,
    );
    await inBatches(
      headers,
      async (authorization) => {
        const { status, text } = await send({
          method: 'POST',
          url: '/graphql',
          payload: { query: '{ __typename }' },
          headers: { authorization },
        });
        expect([authorization, status]).toEqual([authorization, 401]);
        return text;
      },
      16,
    );
    for (const place of ['token', 'access_token', 'authorization']) {
      const { status } = await send({
        url: `/graphql?query=%7B__typename%7D&${place}=${operator}`,
        headers: { cookie: `${place}=${operator}` },
      });
      expect(status).toBe(401);
    }
  });

  test('every role has its own limit of queries', async () => {
    const answers = await Promise.all(
      Array.from({ length: 70 }, () =>
        ask('{ sql(query: "SELECT count(*) FROM range(100000000000)") { rows } }'),
      ),
    );
    expect(new Set(answers.map(({ limit }) => limit))).toEqual(new Set(['concurrentQueries', 'time']));
    expect((await ask('{ __typename }', {}, tokens.operator)).code).toBeUndefined();
  });
});

describe('addresses', () => {
  const named = () => [
    '/',
    '/etc',
    '/etc/passwd',
    'file:/etc/passwd',
    'file:///etc/passwd',
    '/proc/self/environ',
    '/dev/zero',
    '..',
    '../..',
    'uploads/../../secret.txt',
    `${directory}/secret.txt`,
    `${directory}/root/../secret.txt`,
    `${directory}/root/out`,
    `${directory}/root/out/secret.csv`,
    `${directory}/store`,
    `${directory}/store/auth/tokens`,
    'auth/tokens',
    './auth',
    's3://other-bucket/x',
    's3://../x',
    canaryUrl,
    `${canaryUrl}/v1`,
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]:22/',
    'gopher://127.0.0.1:6379/',
    'hf://datasets/x',
    'uploads/\u0000/x',
    'x'.repeat(10_000).concat('/..'),
  ];
  test('ingest, publish and jobs take only what the server allows', async () => {
    const asked: readonly [string, Role][] = [
      ['mutation ($x: String!) { ingest(uri: $x) { accepted } }', 'ingester'],
      ['mutation ($x: String!) { ingest(uri: $x, dryRun: true) { issues { message } } }', 'ingester'],
      [
        'mutation ($x: String!) { launchInference(input: {model: {path: $x}, prompts: ["x"]}) { id } }',
        'ingester',
      ],
      [
        'mutation ($x: String!) { launchInference(input: {model: {backend: OPENAI, baseUrl: $x, name: "m", apiKeyEnv: "OPENAI_API_KEY"}, prompts: ["x"]}) { id } }',
        'ingester',
      ],
      [
        'mutation ($x: String!) { launchInference(input: {model: {path: "uploads/m"}, questions: $x}) { id } }',
        'ingester',
      ],
      [
        'mutation ($x: String!) { launchFv(input: {model: {path: "uploads/m"}, relation: $x}) { id } }',
        'ingester',
      ],
      ['mutation ($x: String!) { publishRun(input: {runId: "x", out: $x}) { status } }', 'operator'],
    ];
    for (const [query, role] of asked) {
      const answers = await Promise.all(named().map((x) => ask(query, { x }, tokens[role])));
      for (const [i, { code }] of answers.entries())
        expect([query, named()[i], code]).toEqual([query, named()[i], 'ADDRESS_FORBIDDEN']);
    }
    expect(await queue.count({})).toBe(0);
    await nothingHappened();
  });
});
