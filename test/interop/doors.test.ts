import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type PublishedViews, publishNewestViews, publishViews } from '../../bi/views/publish.ts';
import { CATALOG } from '../../bi/views/views.ts';
import { WireServer } from '../../bi/wire/server.ts';
import { ENTITIES, ROOT_ENTITIES } from '../../graphql/plan/entities.ts';
import { createServer } from '../../graphql/server.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { runQuery } from '../../lake/engine/engine.ts';
import type { AsOf } from '../../lake/engine/types.ts';
import { Exporter } from '../../lake/export/exporter.ts';
import { type ExportFormat, exportResult } from '../../lake/export/result.ts';
import { dataKey } from '../../lake/log/paths.ts';
import { Staging } from '../../lake/parquet/staging.ts';
import { JOB_TABLES } from '../../lake/tables/jobs.ts';
import { RUN_STORES, RUNS, TABLES } from '../../lake/tables/tables.ts';
import { compactTables, tablesOf, vacuumTables } from '../../src/upkeep.ts';
import { arbitraryRow } from '../support/arbitrary-rows.ts';
import { everyFamilyTree } from '../support/every-family.ts';
import { pythonHas, runPython } from '../support/python.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const STORE = 'arbitrary-store';
const ROWS = 25;
/** JSON that is not arbitrary. */
const SHAPED = { compliance: null, checks: null };

/** Rows of every table with values of every kind: a few runs, and a store that all of them refer to. */
async function writeArbitraryRows({ writer }: TemporaryLake, seed: number): Promise<void> {
  const runs = Array.from({ length: 4 }, (_, i) => ({
    run_id: `main/arbitrary/${i}`,
    ingest_id: `arbitrary-${i}`,
    content_sha256: `${i}`,
    stores: [STORE],
  }));
  const connection = await writer.connect();
  const staging = new Staging(connection, writer.directory);
  for (const spec of TABLES) {
    const ofRuns = spec.columns.some(({ name }) => name === 'run_id');
    const rows = spec === RUNS || spec === RUN_STORES ? runs.length : ROWS;
    for (let i = 0; i < rows; i++) {
      const { run_id, ingest_id } = runs[i % runs.length]!;
      const fixed = {
        run_id,
        ingest_id: ofRuns ? ingest_id : STORE,
        store_id: STORE,
        store_ingest_id: STORE,
      };
      const arbitrary = arbitraryRow(spec, { ...SHAPED, ...fixed });
      await staging.append(spec, fc.sample(arbitrary, { seed: seed + i, numRuns: 1 }));
    }
  }
  const files = await staging.write();
  connection.closeSync();
  const ofJobs: readonly string[] = JOB_TABLES.map(({ name }) => name);
  const ingests = [STORE, ...runs.map(({ ingest_id }) => ingest_id)];
  for (const [table, file] of files) {
    if (table === RUNS.name) continue;
    if (ofJobs.includes(table)) await writer.record(table, new Map([[STORE, 1]]), async () => file);
    else await writer.append([{ table, file, ingests }]);
  }
  await writer.commitRuns(files.get(RUNS.name)!, runs);
}

/** Columns of JSON lists whose items have a shape, and what to ask of an item. */
const PARTS: Readonly<Record<string, string>> = {
  ComplianceItem: 'item passed detail',
  IdentityCheck: 'found expected difference tolerance relative holds asserted',
};

/** What to ask of the field of Query for each table, and which column each answer is. */
function typedQuestions() {
  return [...ROOT_ENTITIES].map(([field, name]) => {
    const { table, fields } = ENTITIES[name];
    const selected = [...fields.values()].map((of) => {
      const part = PARTS[of.scalar] ?? '';
      const form = part !== '' ? part.replaceAll(' ', ',') : of.scalar === 'JSON' ? 'json' : 'plain';
      return { name: of.name, column: of.column.name, form, selection: part && `{ ${part} }` };
    });
    return {
      field,
      table: table.name,
      selection: selected.map(({ name, selection }) => `${name} ${selection}`).join(' '),
      columns: Object.fromEntries(selected.map(({ name, column, form }) => [name, [column, form]])),
    };
  });
}

/** Values of types that no table has. */
const LITERALS = `SELECT * FROM (VALUES
  (1, 12.340::DECIMAL(10, 3), 170141183460469231731687303715884105::HUGEINT, '00010203-0405-0607-0809-0a0b0c0d0e0f'::UUID, '\\x00\\xFFa\\x5C'::BLOB, TIME '23:59:59.999999', 'b'::ENUM('a', 'b'),
   ['1.5', 'nan', NULL, '-0.0', 'inf']::FLOAT[], [0.1, 0.2, 0.3]::FLOAT[3], {'t': TIMESTAMP '2026-01-02 03:04:05.678901', 'd': DATE '0001-01-01', 'n': {'x': [1, NULL], 'y y': 'é"'}},
   MAP {'k': 0.1, 'a b': NULL}, [[1, 2], [], NULL], [TIMESTAMPTZ '1969-12-31 23:59:59.999999+00', NULL], ['', 'NULL', 'a,b', 'q"\\', NULL], [true, NULL], 255::UTINYINT, 4294967295::UINTEGER, 18446744073709551615::UBIGINT, '{"a":1}'::JSON,
   TIMESTAMP_S '2026-01-02 03:04:05', TIMESTAMP_MS '2026-01-02 03:04:05.678', TIMESTAMP_NS '2026-01-02 03:04:05.678901', 0.1::FLOAT, '-0.0'::DOUBLE, 'infinity'::TIMESTAMPTZ, '-infinity'::TIMESTAMP),
  (2, -99999999999.999::DECIMAL(18, 3), NULL, NULL, '', NULL, NULL, [], NULL, NULL, MAP {}, NULL, [], [], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'nan', 'inf', NULL, NULL)
) AS t(i, decimal, huge, uuid, blob, time, enum, floats, vector, nested, map, lists, times, texts, flags, u8, u32, u64, json, s, ms, ns, f4, f8, forever, before) ORDER BY i`;

const STATEMENTS = [
  ...CATALOG.map(({ name }) => `SELECT * FROM ${name} ORDER BY ALL`),
  LITERALS,
  'SELECT sum(seed), avg(seed), count(*), list(DISTINCT family ORDER BY family), max({f: family, n: n_issues, t: ingested_at}), histogram(family) FROM runs',
  'SELECT run_id, list({l: layer, v: vector} ORDER BY layer, activation_key, token_index) FROM run_activations GROUP BY run_id ORDER BY run_id',
  'SELECT 123456789012345678901234567890.12345678::DECIMAL(38, 8), 0.1, 1e-320, 1/3, 2::FLOAT/3, -0.0::DOUBLE',
];

const ofTables = [...ROOT_ENTITIES].map(([field, name]) => ({
  rows: { [field]: {} },
  sql: `SELECT * FROM ${ENTITIES[name].table.name}`,
}));
const ofRelations = CATALOG.map(({ name }) => ({
  rows: { relation: { name } },
  sql: `SELECT * FROM ${name}`,
}));

/** Exports without SQL, and what they are in SQL. */
const ROWS_AND_SQL = [
  ...[...ofTables, ...ofRelations].map((asked) => ({ ...asked, ordered: false })),
  {
    rows: {
      generations: {
        filter: {
          run: { family: { in: ['LM_EVAL', 'FV'] } },
          or: [{ halu: { isNull: true } }, { halu: { eq: true } }],
        },
        columns: ['exampleId', 'prompt', 'seed'],
      },
    },
    sql: `SELECT g.example_id, g.prompt, g.seed FROM generations g JOIN runs r USING (run_id)
      WHERE r.family IN ('LM_EVAL', 'FV') AND (halu IS NULL OR halu)`,
    ordered: false,
  },
  {
    rows: {
      metrics: {
        filter: { value: { isNull: false }, not: { metric: { contains: 'acc' } } },
        orderBy: [{ field: 'VALUE', direction: 'DESC' }, { field: 'METRIC' }],
        first: 20,
        columns: ['metric', 'value'],
      },
    },
    sql: `SELECT metric, value FROM metrics WHERE value IS NOT NULL AND NOT contains(metric, 'acc')
      ORDER BY value DESC, metric, run_id, scope, split, source LIMIT 20`,
    ordered: true,
  },
  {
    rows: { activations: { layer: -1, filter: { tokenIndex: { gte: 0 } } } },
    sql: `SELECT a.* FROM activations a
      JOIN (SELECT store_id, site, max(layer) AS layer FROM activations GROUP BY ALL) m USING (store_id, site, layer)
      WHERE token_index >= 0`,
    ordered: false,
  },
  {
    rows: {
      relation: { name: 'run_metrics', run: { family: { eq: 'CHAOSBENCH' } }, columns: ['run_id', 'mcc'] },
    },
    sql: "SELECT run_id, mcc FROM run_metrics WHERE family = 'CHAOSBENCH'",
    ordered: false,
  },
];

/** How many rows each way to write a statement gives. */
const ACCEPTED: Readonly<Record<string, number>> = {
  'SELECT 1;; -- why': 1,
  ';/* a; /* b */ c */ SELECT 1 -- ;': 1,
  '((SELECT 1) UNION ALL (SELECT 2))': 2,
  '(SELECT 1) LIMIT 0;': 0,
  'FROM range(3)': 3,
  'FROM runs SELECT family LIMIT 1; /* ; */': 1,
  'VALUES (1), (2);': 2,
  'TABLE runs LIMIT 1': 1,
  'WITH t AS (SELECT 1 AS a) FROM t;': 1,
  'WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 3) SELECT * FROM t': 3,
  'SUMMARIZE SELECT 1 AS a;': 1,
  'DESCRIBE runs; -- columns': RUNS.columns.length,
  'DESCRIBE SELECT 1 AS a': 1,
  'SHOW runs': RUNS.columns.length,
  'SHOW TABLES;': CATALOG.length,
  "PIVOT (SELECT family FROM runs LIMIT 1) ON family IN ('x') USING count(*)": 1,
  "SELECT ';--', $$;$$, E'\\';' AS \";\";": 1,
};

const REFUSED: readonly string[] = [
  'SELECT 1; SELECT 2',
  'SELECT',
  'SELEC 1',
  'SELECT 1)',
  '(SELECT 1',
  "SELECT 'x",
  'SELECT 1 /* x',
  'SELECT 1) UNION (SELECT 2',
  'EXPLAIN SELECT 1',
  'INSERT INTO runs VALUES (1)',
  'PIVOT runs ON family USING count(*)',
  'SELECT $1',
];

/** Lets `work` ask a DuckDB of its own that has a published file attached. */
async function withDatabase<T>(
  database: string,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`ATTACH '${database}' AS lake (READ_ONLY); USE lake`);
    return await work(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

describe.skipIf(!pythonHas('duckdb', 'pyarrow', 'psycopg', 'numpy'))('the doors of a lake', () => {
  const directory = mkdtempSync(join(tmpdir(), 'runlake-doors-'));
  let lake: TemporaryLake;
  let app: FastifyInstance;
  let wire: WireServer;
  let origin: string;
  let published: PublishedViews;

  beforeAll(async () => {
    lake = await temporaryLake();
    const tree = everyFamilyTree({});
    const { runs } = await ingest(lake.writer, [tree.path], { families: FAMILIES });
    expect(runs.filter(({ status }) => status !== 'ingested')).toEqual([]);
    tree.remove();
    await writeArbitraryRows(lake, 20_261_122);
    app = await createServer({
      reader: lake.lake,
      exporter: new Exporter(lake.lake),
      catalog: CATALOG,
      config: { limits: { pageSize: 20_000 } },
    });
    origin = await app.listen({ host: '127.0.0.1', port: 0 });
    wire = await WireServer.listen({
      lake: lake.lake,
      listed: CATALOG,
      temporaryDirectory: join(directory, 'catalog'),
      authenticator: { isOpen: async () => true, verifierOf: async () => undefined },
      tls: undefined,
      host: '127.0.0.1',
      port: 0,
    });
    published = await publishNewestViews(lake.lake);
  });
  afterAll(async () => {
    await wire.close();
    await app.close();
    await lake.remove();
    rmSync(directory, { recursive: true });
  });

  it('give the same values: of every table and view, and of every type', async () => {
    const specification = join(directory, 'specification.json');
    const { database, script } = published;
    const asked = {
      origin,
      port: wire.port,
      database,
      script,
      statements: STATEMENTS,
      rows: ROWS_AND_SQL,
      typed: typedQuestions(),
    };
    writeFileSync(specification, JSON.stringify(asked));
    const output = await runPython(join(import.meta.dirname, 'doors/doors.py'), [specification]);
    const { differences, compared } = z
      .object({ differences: z.array(z.unknown()), compared: z.record(z.string(), z.number()) })
      .parse(JSON.parse(output));
    expect(differences).toEqual([]);
    expect(Object.keys(compared).sort()).toEqual([
      'arrow',
      'arrow of rows',
      'parquet',
      'parquet of rows',
      'postgres binary',
      'postgres text',
      'sql',
      'typed',
      'views.sql',
    ]);
    for (const values of Object.values(compared)) expect(values).toBeGreaterThan(5_000);
  });

  /** How many rows each door gives for a statement, or that it refuses it. */
  async function answersOf(
    statement: string,
    client: pg.Client,
  ): Promise<Record<string, number | 'refused'>> {
    const snapshot = await lake.lake.snapshot();
    const exported = async (format: ExportFormat) => {
      const result = await exportResult(lake.lake, { snapshot, sql: statement, format });
      for await (const _ of result);
      return result.summary.rows;
    };
    const field = async () => {
      const query = 'query ($sql: String!) { sql(query: $sql) { rowCount } }';
      const payload = { query, variables: { sql: statement } };
      const response = await app.inject({ method: 'POST', url: '/graphql', payload });
      return z.object({ data: z.object({ sql: z.object({ rowCount: z.number() }) }) }).parse(response.json())
        .data.sql.rowCount;
    };
    // Several statements at once, which clients may send, have no rows of one.
    const wired = async (queryMode?: 'extended') => {
      const { rows } = await client.query({
        text: statement,
        rowMode: 'array',
        ...(queryMode && { queryMode }),
      });
      return z.array(z.unknown()).parse(rows).length;
    };
    const doors = {
      sql: field,
      arrow: () => exported('arrow-stream'),
      parquet: () => exported('parquet'),
      simple: () => wired(),
      extended: () => wired('extended'),
    };
    const answers: Record<string, number | 'refused'> = {};
    for (const [door, ask] of Object.entries(doors))
      answers[door] = await ask().catch(() => 'refused' as const);
    return answers;
  }

  it('say what is wrong with rows that are asked for', async () => {
    const ask = async (rows: string) => {
      const url = `/export/query.arrow?${new URLSearchParams({ rows })}`;
      const { errors } = z
        .object({
          errors: z.array(z.object({ message: z.string(), extensions: z.object({ code: z.string() }) })),
        })
        .parse((await app.inject(url)).json());
      return `${errors[0]?.extensions.code} ${errors[0]?.message}`;
    };
    expect(await ask('{}')).toBe('BAD_USER_INPUT rows: names nothing');
    expect(await ask('{runs: {}, metrics: {}}')).toBe('BAD_USER_INPUT rows: names more than one');
    expect(await ask('{runs: {filter: {nope: {eq: 1}}}}')).toMatch(
      /^BAD_USER_INPUT rows\.runs\.filter: .*"nope"/,
    );
    expect(await ask('{runs: {columns: ["id", "nope"]}}')).toMatch(
      /rows\.runs\.columns: there is no column nope/,
    );
    expect(await ask('{runs: {first: -1}}')).toMatch(/rows\.runs\.first: is negative/);
    expect(await ask('{relation: {name: "nope"}}')).toMatch(
      /rows\.relation\.name: there is no table or view nope/,
    );
    expect(await ask('{relation: {name: "jobs", run: {seed: {eq: 0}}}}')).toMatch(
      /rows of jobs belong to no run/,
    );
    expect(await ask('{runs: ')).toMatch(/^BAD_USER_INPUT rows: Syntax Error/);
    const both = { sql: 'SELECT 1', rows: { runs: {} } };
    const posted = await app.inject({ method: 'POST', url: '/export/query.arrow', payload: both });
    expect(posted.json().errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'input' });
  });

  it('take the same texts for a statement, and refuse the same', async () => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: wire.port,
      user: 'analyst',
      database: 'runlake',
    });
    await client.connect();
    try {
      for (const [statement, rows] of Object.entries(ACCEPTED)) {
        const answers = Object.values(await answersOf(statement, client));
        expect(answers, statement).toEqual(answers.map(() => rows));
      }
      for (const statement of REFUSED) {
        const answers = await answersOf(statement, client);
        expect(new Set(Object.values(answers)), statement).toEqual(new Set(['refused']));
      }
    } finally {
      await client.end();
    }
  });

  it('go on for a Postgres client whose statement was no text', async () => {
    const socket = connect(wire.port, '127.0.0.1');
    const startup = Buffer.from('\0\0\0\x16\0\x03\0\0user\0analyst\0\0', 'latin1');
    const query = (text: string) => {
      const body = Buffer.from(`${text}\0`, 'latin1');
      const head = Buffer.alloc(5);
      head.write('Q');
      head.writeInt32BE(body.length + 4, 1);
      return Buffer.concat([head, body]);
    };
    const end = Buffer.from('X\0\0\0\x04', 'latin1');
    socket.write(Buffer.concat([startup, query("SELECT '\xe9'"), query("SELECT 'goes on'"), end]));
    const answer = Buffer.concat(await socket.toArray()).toString('latin1');
    expect(answer).toMatch(/ERROR.*C22021.*goes on.*SELECT 1/s);
    expect(answer).not.toContain('FATAL');
  });

  it('show no run that was deleted, but to those who read a state of before', async () => {
    const run = 'main/arbitrary/0';
    const counted = (view: string) => `SELECT count(*)::INT AS n FROM ${view} WHERE run_id = '${run}'`;
    const sql = `SELECT (${counted('runs')}) AS a, (${counted('generations')}) AS b, (${counted('example_predictions')}) AS c`;
    const client = new pg.Client({
      host: '127.0.0.1',
      port: wire.port,
      user: 'analyst',
      database: 'runlake',
    });
    await client.connect();
    const wired = async () => Object.values((await client.query(sql)).rows[0]);
    const asked = async (asOf: AsOf = {}) =>
      (await lake.lake.sandboxedQuery(await lake.lake.snapshot(asOf), sql)).rows[0];
    const stored = async (asOf: AsOf = {}) => {
      const request = { sql: `FROM generations WHERE run_id = '${run}'`, format: 'parquet' } as const;
      const result = await exportResult(lake.lake, { snapshot: await lake.lake.snapshot(asOf), ...request });
      for await (const _ of result);
      return result.summary.rows;
    };
    const read = (database: string) =>
      withDatabase(database, async (connection) => (await runQuery(connection, sql)).rows[0]);
    try {
      const before = await lake.lake.snapshot();
      const was = await asked();
      expect(was?.every((n) => Number(n) > 0)).toBe(true);
      await client.query('BEGIN');
      expect(await wired()).toEqual(was);
      expect((await lake.writer.deleteRuns(new Set([run]))).deleted).toEqual(new Set([run]));
      await publishNewestViews(lake.lake);
      const gone = [0, 0, 0];
      // The transaction goes on in its state; the next one does not.
      expect(await wired()).toEqual(was);
      await client.query('COMMIT');
      expect([await wired(), await asked(), await read(published.database)]).toEqual([gone, gone, gone]);
      expect([await stored(), await asked({ snapshot: before.token })]).toEqual([0, was]);
      expect(await stored({ snapshot: before.token })).toBe(was?.[1]);
      // What compaction drops is there as long as the old state is.
      await compactTables(lake.lake, 'generations');
      expect([await asked(), await read(published.database)]).toEqual([gone, gone]);
      expect(await asked({ snapshot: before.token })).toEqual(was);
      await publishViews(lake.lake, before);
      expect(await read(published.database)).toEqual(was);
    } finally {
      await client.end();
    }
  });

  it('show one state or the other while views.duckdb is replaced', async () => {
    const { database } = published;
    const newest = await lake.lake.snapshot();
    const older = await lake.lake.snapshot({ version: (newest.versions['runs'] ?? 0) - 1 });
    const runsOf = new Map([newest, older].map(({ token, runs }) => [token, BigInt(runs.size)]));
    const seen = new Set<string>();
    let rounds = 0;
    const replacing = (async () => {
      for (; rounds < 2 || seen.size < 2; rounds++)
        await publishViews(lake.lake, rounds % 2 === 0 ? newest : older);
    })();
    const reading = (async () => {
      while (rounds < 2 || seen.size < 2) {
        await withDatabase(database, async (connection) => {
          const question = 'SELECT token, (SELECT count(*) FROM runs) FROM runlake_snapshot';
          // Whoever has it open reads on, whatever takes its place.
          const [first, second] = [
            await runQuery(connection, question),
            await runQuery(connection, question),
          ];
          expect(second.rows).toEqual(first.rows);
          const [[token, runs] = []] = first.rows;
          expect(runsOf.get(String(token))).toBe(runs);
          seen.add(String(token));
        });
      }
    })();
    await Promise.all([replacing, reading]);
  });

  it('give the same after a vacuum has taken what deleted runs had, and only that', async () => {
    const inDays = (days: number) => ({ now: () => Date.now() + days * 86_400_000 });
    const stored = async () => {
      const keys: string[] = [];
      for await (const { key } of lake.lake.store.list({ prefix: 'tables/' }))
        if (/\/part-[^/]*\.parquet$/.test(key)) keys.push(key);
      return keys.sort();
    };
    const needed = async () => {
      const keys: string[] = [];
      for (const table of await tablesOf(lake.lake, undefined))
        for (const path of (await table.snapshot()).files.keys()) keys.push(dataKey(table.root, path));
      return keys.sort();
    };
    const counts = CATALOG.map(({ name }) => `SELECT '${name}' AS name, count(*)::INT AS n FROM ${name}`);
    const sql = `${counts.join(' UNION ALL ')} ORDER BY name`;
    const client = new pg.Client({
      host: '127.0.0.1',
      port: wire.port,
      user: 'analyst',
      database: 'runlake',
    });
    await client.connect();
    const counted = async () => (await lake.lake.sandboxedQuery(await lake.lake.snapshot(), sql)).rows;
    try {
      const { runs, token } = await lake.lake.snapshot();
      await client.query('BEGIN; SELECT 1 FROM runs LIMIT 1');
      const arbitrary = [...runs.keys()].filter((run) => run.startsWith('main/arbitrary/'));
      await lake.writer.deleteRuns(new Set(arbitrary));
      // By then no ingest is running that could name the rows in the end.
      for (const table of ['activations', 'generations']) await compactTables(lake.lake, table, inDays(2));
      const [rows, files] = [await counted(), await stored()];
      const totals = { runs: { totalCount: runs.size - arbitrary.length }, activations: { totalCount: 0 } };
      for (const [name, { totalCount }] of Object.entries(totals))
        expect(rows).toContainEqual([name, totalCount]);
      await vacuumTables(lake.lake, {}, inDays(6));
      expect(await stored()).toEqual(files);
      await vacuumTables(lake.lake, {}, inDays(8));
      expect(await stored()).toEqual(await needed());
      expect(files.length).toBeGreaterThan((await stored()).length);
      expect(await counted()).toEqual(rows);
      await expect(client.query(sql)).rejects.toMatchObject({ code: '72000' });
      await client.query('ROLLBACK');
      expect((await client.query({ text: sql, rowMode: 'array' })).rows).toEqual(rows);
      const read = withDatabase(published.database, (connection) => runQuery(connection, sql));
      expect((await read).rows).toEqual(rows);
      const ask = async (query: string) =>
        (await app.inject({ method: 'POST', url: '/graphql', payload: { query } })).json();
      expect((await ask('{ runs { totalCount } activations { totalCount } }')).data).toEqual(totals);
      const gone = { message: expect.not.stringContaining('/'), extensions: { code: 'VERSION_NOT_FOUND' } };
      expect(await ask(`{ runs(asOf: {snapshot: "${token}"}) { nodes { id } } }`)).toMatchObject({
        errors: [gone],
      });
    } finally {
      await client.end();
    }
  });
});
