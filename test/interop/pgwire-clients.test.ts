import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CATALOG, VIEWS } from '../../bi/views/views.ts';
import { WireServer } from '../../bi/wire/server.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../../ingest/testing.ts';
import { TokenDirectory } from '../../src/auth/token-directory.ts';
import { TokenRegistry } from '../../src/auth/token-registry.ts';
import { jsonRows } from '../../src/rows.ts';
import { pythonHas, runPython } from '../support/python.ts';
import { smallRuns } from '../support/small-runs.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const USER = 'analyst';
const JAR = '/usr/share/java/postgresql.jar';
const here = (name: string) => fileURLToPath(new URL(`./pgwire/${name}`, import.meta.url));
const queries = z
  .record(z.string(), z.array(z.string()))
  .parse(JSON.parse(readFileSync(here('queries.json'), 'utf8')));

let lake: TemporaryLake;
let server: WireServer;
let password: string;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'runlake-pgwire-'));
  lake = await temporaryLake();
  const tree = temporaryTree(smallRuns(2));
  await ingest(lake.writer, [tree.path], { families: FAMILIES });
  tree.remove();
  const token = await new TokenRegistry(lake.lake.store).create({
    name: USER,
    role: 'reader',
    expiresAt: undefined,
  });
  password = token.text;
  const certificate = join(directory, 'cert.pem');
  const key = join(directory, 'key.pem');
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=localhost',
  ];
  execFileSync('openssl', [...request, '-out', certificate, '-keyout', key], { stdio: 'ignore' });
  const tokens = new TokenDirectory({ store: lake.lake.store, openWithoutTokens: false });
  server = await WireServer.listen({
    lake: lake.lake,
    listed: CATALOG,
    temporaryDirectory: join(directory, 'catalog'),
    authenticator: { isOpen: async () => false, verifierOf: (user) => tokens.verifierOf(user) },
    tls: { certificate: readFileSync(certificate), key: readFileSync(key) },
    host: '127.0.0.1',
    port: 0,
    limits: { messageBytes: 1 << 20 },
  });
});

afterAll(async () => {
  await server.close();
  await lake.remove();
  rmSync(directory, { recursive: true, force: true });
});

async function withClient<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    user: USER,
    password,
    database: 'runlake',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const present = (program: string) => spawnSync('which', [program]).status === 0;

/** In CI every client is there. */
function needs(what: string, there: boolean): boolean {
  if (!there && process.env['CI'] !== undefined) throw new Error(`these tests need ${what}`);
  return there;
}

describe.concurrent('clients', () => {
  it.skipIf(!needs('psql', present('psql')))('psql: every form of \\d', async () => {
    const { stdout, stderr } = await promisify(execFile)(
      'psql',
      [
        '-X',
        '-a',
        '-v',
        'ON_ERROR_STOP=0',
        '-f',
        here('describe.sql'),
        `host=127.0.0.1 port=${server.port} user=${USER} dbname=runlake sslmode=require`,
      ],
      { env: { ...process.env, PGPASSWORD: password } },
    );
    // Of kinds that a lake has none of, psql says that it did not find any.
    expect(stderr.split('\n').filter((line) => !/: error: Did not find any |^$/.test(line))).toEqual([]);
    expect(stdout).toContain(' seed            | bigint                   |           |          | ');
    expect(stdout).toContain('View "public.run_metrics"');
    expect(stdout).toContain('One row a run. Committed last: a run is visible once its row is.');
  });

  it.skipIf(
    !needs(
      'psycopg2, psycopg, SQLAlchemy, asyncpg',
      pythonHas('psycopg2', 'psycopg', 'sqlalchemy', 'asyncpg'),
    ),
  )('psycopg2, psycopg, SQLAlchemy, asyncpg and ODBC', async () => {
    const args = [String(server.port), USER, password, join(directory, 'cert.pem')];
    const stdout = await runPython(here('clients.py'), args);
    const answers = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
    expect(answers['psycopg2']).toEqual({ counted: 2, read: 24 });
    expect(answers['psycopg']).toEqual({ read: 16, copied: 4, piped: [4, 4, 4] });
    const names = CATALOG.map(({ name }) => name).sort();
    const views = VIEWS.map(({ name }) => name).sort();
    expect(answers['sqlalchemy']).toMatchObject({
      schemas: ['information_schema', 'public'],
      relations: names,
      views,
      keys: [[], [], []],
      column: { name: 'run_id', type: 'TEXT', nullable: 'False' },
      families: [['HALLULENS', 4]],
      sum: 42,
    });
    expect(answers['asyncpg']).toMatchObject({
      arrays: [
        [1, 2],
        ['a', null],
      ],
      read: 24,
      stopped: 'goes on',
    });
    if (answers['pyodbc'] !== undefined) {
      const answer = [16, views, expect.arrayContaining([['run_id', 'text']]), 0, 0];
      expect(Object.values(z.record(z.string(), z.unknown()).parse(answers['pyodbc']))).toEqual([
        answer,
        answer,
        answer,
      ]);
    }
  });

  it.skipIf(!needs('java and libpostgresql-jdbc-java', present('javac') && existsSync(JAR)))(
    'pgjdbc: DatabaseMetaData, cursors, time limits',
    async () => {
      const url = `jdbc:postgresql://127.0.0.1:${server.port}/runlake?sslmode=require&channelBinding=prefer`;
      const { stdout } = await promisify(execFile)('java', [
        '-cp',
        JAR,
        '-XX:TieredStopAtLevel=1',
        here('Metadata.java'),
        url,
        USER,
        password,
      ]);
      const answers = z.record(z.string(), z.string()).parse(JSON.parse(stdout));
      for (const mode of ['extended', 'simple']) {
        expect(answers).toMatchObject({
          [`${mode} product`]: 'PostgreSQL 15.0',
          [`${mode} views`]: String(VIEWS.length),
          [`${mode} run_metrics`]: '1',
          [`${mode} column`]: 'text NO Stable readable identity of the run.',
          [`${mode} keys`]: '0',
          [`${mode} keywords`]: 'true',
          [`${mode} schema`]: 'public runlake',
          [`${mode} row 1`]: expect.stringMatching(/probe_v1.* 0 2026-02-03T01:02:03Z 2026-02-03$/),
          [`${mode} cursor`]: '24',
          [`${mode} stopped`]: '57014',
          [`${mode} copied`]: '4',
          [`${mode} valid`]: 'true',
        });
      }
    },
  );

  it.each(Object.entries(queries))('queries of %s', async (_, texts) => {
    await withClient(async (client) => {
      for (const text of texts) await expect(client.query(text), text).resolves.toBeDefined();
    });
  });

  it('node-postgres: parameters, portals with row limits, errors, cancel', async () => {
    await withClient(async (client) => {
      const { rows, fields } = await client.query(
        'SELECT run_id, seed FROM runs WHERE method = $1 AND seed = ANY($2) ORDER BY 1',
        ['probe_v1', [0, 1]],
      );
      expect(rows.map(({ seed }) => seed)).toEqual(['0', '1']);
      expect(fields.map(({ dataTypeID }) => dataTypeID)).toEqual([25, 20]);
      const prepared = { name: 'p', text: 'SELECT $1::text AS a, $2::int8 AS b, $3::bytea AS c' };
      expect(
        (await client.query({ ...prepared, values: ['é', '9007199254740993', Buffer.from([0, 255])] })).rows,
      ).toEqual([{ a: 'é', b: '9007199254740993', c: Buffer.from([0, 255]) }]);
      for (const [text, code] of [
        ['SELECT * FROM nothing', '42P01'],
        ['SELECT nothing FROM runs', '42703'],
        ['SELECT nothing(1)', '42883'],
        ['SELEC 1', '42601'],
        ["SELECT 'x'::int", '22P02'],
        ['SELECT family, count(*) FROM runs', '42803'],
        ['DELETE FROM runs', '25006'],
        ['SELECT * FROM runs FOR UPDATE', '25006'],
        ['SELECT * FROM runs, pg_class', '0A000'],
        ['FETCH 1 FROM c', '34000'],
        ['SET nothing = 1', '42704'],
      ] as const) {
        await expect(client.query(text), text).rejects.toMatchObject({ code });
      }
      const { rows: before } = await client.query('SELECT pg_backend_pid() AS pid');
      expect(before[0].pid).toBeGreaterThan(0);
      await client.query("SET statement_timeout = '100ms'");
      await expect(
        client.query('SELECT count(*) FROM range(1000000000) a, range(1000) b'),
      ).rejects.toMatchObject({ code: '57014' });
      await client.query('SET statement_timeout = 0');
      await client.query('BEGIN; SAVEPOINT s');
      await expect(client.query('SELECT nothing')).rejects.toThrow();
      await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
      await client.query('ROLLBACK TO s; PREPARE q(int) AS SELECT $1 + 1 AS y');
      expect((await client.query('EXECUTE q(41)')).rows).toEqual([{ y: 42 }]);
      await client.query('COMMIT');
    });
  });

  it('a wrong password and an unknown user are the same', async () => {
    for (const [user, secret] of [
      [USER, 'rl_wrong'],
      ['stranger', password],
    ]) {
      const client = new pg.Client({
        host: '127.0.0.1',
        port: server.port,
        user,
        password: secret,
        database: 'runlake',
      });
      await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
    }
  });
});

describe('answers', () => {
  const statements = [
    'SELECT * FROM runs ORDER BY run_id',
    'SELECT * FROM run_metrics ORDER BY run_id',
    'SELECT run_id, example_id, prompt, halu FROM generations ORDER BY ALL',
    'SELECT method, avg(score_halu), stddev_samp(score_halu), count(*) FROM predictions GROUP BY ALL ORDER BY 1',
    'SELECT activation_key, layer, token_index, vector FROM activations ORDER BY ALL LIMIT 5',
    "SELECT sum(seed), [1, NULL], true, 0.5::float4, 1e-7, DATE '2026-01-02' FROM runs",
    'SHOW TABLES',
    'DESCRIBE runs',
  ];

  it.each(statements)('%s: the same as through `runlake sql` and GraphQL `sql`', async (statement) => {
    const snapshot = await lake.lake.snapshot();
    const { columns, rows } = await lake.lake.sandboxedQuery(snapshot, statement, { times: 'iso' });
    const plain = z.array(z.array(z.unknown())).parse(
      z
        .array(z.record(z.string(), z.unknown()))
        .parse(JSON.parse(jsonRows({ columns, rows, truncated: false })))
        .map(Object.values),
    );
    const wire = await withClient((client) => client.query({ text: statement, rowMode: 'array' }));
    expect(wire.rows.map((row: unknown[]) => row.map(comparable))).toEqual(
      plain.map((row) => row.map(comparable)),
    );
  });

  /** Numbers as numbers, times as instants: the doors write them differently, and mean the same. */
  function comparable(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(comparable);
    // Vectors: the shortest decimals of a float here, those of the same double there.
    if (typeof value === 'number') return Math.fround(value);
    if (value instanceof Date) return value.getTime();
    if (typeof value !== 'string') return value;
    if (/^-?\d+(\.\d+)?$/.test(value)) return Math.fround(Number(value));
    return /^\d{4}-\d\d-\d\d($|T)/.test(value)
      ? new Date(value.length === 10 ? `${value}T00:00:00` : value).getTime()
      : value;
  }
});

describe('what must not be', () => {
  it.each([
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM pg_class, read_blob('/etc/passwd')",
    "SELECT relname FROM pg_class WHERE relname IN (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT * FROM glob('/etc/*')",
    "COPY runs TO '/tmp/runlake-leak'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY runs FROM '/etc/passwd'",
    "ATTACH '/tmp/x.db'",
    'INSTALL httpfs',
    'LOAD httpfs',
    'PRAGMA database_list',
    'SET threads = 1',
    'SET enable_external_access = true',
    'SELECT * FROM duckdb_settings()',
    'SELECT * FROM duckdb_secrets()',
    "SELECT getenv('HOME')",
    "SELECT current_setting('temp_directory')",
    "SELECT current_setting(name) FROM (SELECT 'temp_directory' AS name) t, duckdb_settings()",
    'SELECT * FROM rl_definitions',
    'SELECT * FROM sqlite_master',
    "SELECT * FROM query('SELECT 1')",
    'CREATE TEMP TABLE t AS SELECT 1',
    'SELECT 1 INTO t',
    'CALL pragma_version()',
    'DO $$ BEGIN END $$',
    "PREPARE x AS COPY runs TO '/tmp/x'",
    "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM read_text('/etc/passwd')",
    "EXPLAIN ANALYZE SELECT * FROM '/etc/passwd'",
    "SELECT repeat('x', 2000000000)",
  ])('%s', async (text) => {
    await withClient(async (client) => {
      await expect(client.query(text)).rejects.toHaveProperty('code');
      await expect(client.query({ text, name: 'p' })).rejects.toHaveProperty('code');
      expect((await client.query('SELECT 1 AS x')).rows).toEqual([{ x: 1 }]);
    });
  });

  it('bytes that are no protocol close the connection, and nothing else', async () => {
    const startup = Buffer.from('\0\0\0\x14\0\x03\0\0user\0nobody\0\0', 'latin1');
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from([0x7f, 0xff, 0xff, 0xff]),
      Buffer.from([0, 0, 0, 4]),
      Buffer.concat([Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]), Buffer.from('injected')]),
      Buffer.concat([startup, Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff])]),
      Buffer.concat([startup, Buffer.from('p\0\0\0\x05x')]),
    ]) {
      const socket: Socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(bytes);
      // The server may reset the connection.
      await new Promise((resolve) => socket.once('close', resolve));
    }
    await withClient(async (client) =>
      expect((await client.query('SELECT 1 AS x')).rows).toEqual([{ x: 1 }]),
    );
  });
});
