import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import { SandboxError } from './errors.ts';
import { namesOfSelect } from './sandbox.ts';

const directory = mkdtempSync(join(tmpdir(), 'runlake-engine-'));
let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({
    temporaryDirectory: join(directory, 'tmp'),
    readableDirectories: [join(directory, 'data')],
    memory: '512MB',
    threads: 2,
  });
});
afterAll(() => {
  engine.close();
  rmSync(directory, { recursive: true });
});

/** Long enough that nothing but an interrupt ends it. */
const ENDLESS = 'SELECT count(*) FROM range(100000000000) a, range(1000) b WHERE (a.range * b.range) % 7 = 3';

describe('Engine.query', () => {
  it('gives every type of the lake as it is', async () => {
    const { columns, rows } = await engine.query(
      `SELECT 9007199254740993::BIGINT, 'nan'::DOUBLE, '-inf'::DOUBLE, NULL::VARCHAR, [1.5, 2]::FLOAT[], NULL::FLOAT[],
       TIMESTAMPTZ '2026-11-20 20:57:33.000926Z', DATE '2026-01-20', ['a', NULL], true,
       [{k: 'x', v: [1::FLOAT], n: 3}]`,
    );
    expect(columns[4]?.type).toBe('FLOAT[]');
    expect(rows).toEqual([
      [
        9007199254740993n,
        Number.NaN,
        Number.NEGATIVE_INFINITY,
        null,
        Float32Array.of(1.5, 2),
        null,
        1_795_208_253_000_926n,
        '2026-01-20',
        ['a', null],
        true,
        [{ k: 'x', v: Float32Array.of(1), n: 3 }],
      ],
    ]);
  });

  it('gives a text that comes again the rows of its own values, also after errors and after a hundred others', async () => {
    const text = 'SELECT $1::BIGINT + i FROM range(3) r(i) WHERE i <> $2::BIGINT ORDER BY i';
    const firsts = async (a: number, b: number) =>
      (await engine.query(text, { params: [a, b] })).rows.map(([value]) => value);
    expect(await firsts(10, 1)).toEqual([10n, 12n]);
    expect(await firsts(20, 0)).toEqual([21n, 22n]);
    await expect(engine.query('SELECT $1::VARCHAR::INTEGER', { params: ['x'] })).rejects.toThrow(
      'Conversion',
    );
    expect((await engine.query('SELECT $1::VARCHAR::INTEGER', { params: ['7'] })).rows).toEqual([[7]]);
    for (let i = 0; i < 100; i++) expect((await engine.query(`SELECT ${i}`)).rows).toEqual([[i]]);
    expect(await Promise.all([firsts(1, 0), firsts(2, 0), firsts(3, 0)])).toEqual([
      [2n, 3n],
      [3n, 4n],
      [4n, 5n],
    ]);
    const { rows, truncated } = await engine.query('SELECT i FROM range($1::BIGINT) r(i)', {
      params: [1_000_000],
      maxRows: 1,
    });
    expect([rows.length, truncated]).toEqual([1, true]);
    expect((await engine.query('SELECT i FROM range($1::BIGINT) r(i)', { params: [2] })).rows.length).toBe(2);
  });

  it('gives texts with every character that they have, short and long, in lists and structs', async () => {
    const texts = [
      '',
      '\ufeff',
      '\ufeffa',
      '\ufeff\ufeff',
      '\0',
      'a\ufeff',
      'e\u0301',
      '\uffff😀',
      `\ufeff${'é'.repeat(300)}`,
    ];
    const { rows } = await engine.query('SELECT t, [t, NULL], {t: t} FROM unnest($1::VARCHAR[]) u(t)', {
      params: [texts],
    });
    expect(rows).toEqual(texts.map((text) => [text, [text, null], { t: text }]));
  });

  it('gives nulls of every type', async () => {
    const { rows } = await engine.query(
      `SELECT NULL, [NULL], {a: NULL}, NULL::UNION(n INT, t VARCHAR), NULL::DECIMAL(4, 2), NULL::UUID, NULL::MAP(INT, INT),
       [NULL::DATE, DATE '2026-01-20'], NULL::STRUCT(a INT[]), NULL::INT[2], MAP {'k': NULL::INTERVAL}`,
    );
    expect(rows).toEqual([
      [null, [null], { a: null }, null, null, null, null, [null, '2026-01-20'], null, null, { k: null }],
    ]);
  });

  it('keeps lists apart across chunks of the result', async () => {
    const { rows } = await engine.query(
      'SELECT i, list_transform(range(i % 5), lambda x: (x + i)::FLOAT) FROM range(5000) r(i) ORDER BY i',
    );
    expect(rows.length).toBe(5_000);
    for (const i of [0, 1, 2_047, 2_048, 4_999]) {
      expect(rows[i]).toEqual([BigInt(i), Float32Array.from({ length: i % 5 }, (_, x) => x + i)]);
    }
  });

  it('binds parameters as what they are', async () => {
    const { rows } = await engine.query(
      'SELECT typeof($1), typeof($2), typeof($3), typeof($4), $5, list_contains($6, 5)',
      {
        params: ['x', 7, 1.5, true, null, [4n, 5n]],
      },
    );
    expect(rows).toEqual([['VARCHAR', 'BIGINT', 'DOUBLE', 'BOOLEAN', null, true]]);
  });

  it('stops reading at maxRows and says so', async () => {
    const result = await engine.query('SELECT * FROM range(100000)', { maxRows: 3 });
    expect([result.rows.length, result.truncated]).toEqual([3, true]);
    expect((await engine.query('SELECT * FROM range(3)', { maxRows: 3 })).truncated).toBe(false);
  });

  it('is interrupted by its time limit and by its caller, and goes on working', async () => {
    await expect(engine.query(ENDLESS, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
    const controller = new AbortController();
    const running = engine.query(ENDLESS, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await engine.query('SELECT 1')).rows).toEqual([[1]]);
  });

  it('says that memory is out', async () => {
    await expect(
      engine.query("SELECT list(repeat('x', 100000) || i) FROM range(100000) r(i)"),
    ).rejects.toMatchObject({ code: 'QUERY_OUT_OF_MEMORY' });
  });

  it('reads nothing outside its directories, whatever the statement', async () => {
    for (const sql of [
      "SELECT * FROM read_text('/etc/passwd')",
      "SELECT * FROM '/etc/passwd.parquet'",
      "COPY (SELECT 1) TO '/tmp/runlake-leak.csv'",
      "ATTACH '/tmp/runlake-leak.db'",
      'INSTALL httpfs',
      'SET threads = 1',
      'SET enable_external_access = true',
      "SELECT * FROM glob('/etc/*')",
    ]) {
      await expect(engine.query(sql), sql).rejects.toMatchObject({ code: 'QUERY_FAILED' });
    }
  });
});

describe('namesOfSelect', () => {
  const tables = new Set(['runs', 'generations']);
  const check = async (sql: string) => {
    const { rows } = await engine.query('SELECT json_serialize_sql($1::VARCHAR)', { params: [sql] });
    return [...namesOfSelect(String(rows[0]?.[0]), tables)].sort();
  };

  it('names the tables of every legal SELECT', async () => {
    expect(await check('SELECT * FROM runs')).toEqual(['runs']);
    expect(await check('FROM Runs JOIN generations USING (run_id) LIMIT 1')).toEqual(['generations', 'runs']);
    expect(await check('WITH t AS (SELECT run_id FROM runs) SELECT count(*) FROM t, range(3)')).toEqual([
      'runs',
    ]);
    expect(await check('SELECT (SELECT max(seed) FROM runs) FROM generations UNION ALL VALUES (1)')).toEqual([
      'generations',
      'runs',
    ]);
    expect(await check('SELECT unnest([1, 2]), x FROM (VALUES (1)) v(x)')).toEqual([]);
    expect(await check('SELECT unnest(vector), unnest(range(1, len(vector) + 1)) FROM generations')).toEqual([
      'generations',
    ]);
    expect(await check('DESCRIBE runs')).toEqual(['runs']);
    expect(await check('SUMMARIZE generations')).toEqual(['generations']);
  });

  it.each([
    "SELECT * FROM '/etc/passwd.csv'",
    "SELECT * FROM read_parquet('x')",
    "SELECT * FROM generations WHERE run_id IN (SELECT content FROM read_text('/etc/passwd'))",
    'SELECT * FROM main.runs',
    'SELECT * FROM information_schema.tables',
    'SELECT * FROM duckdb_settings()',
    "SELECT current_setting('temp_directory')",
    "SELECT getvariable('x')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('runs')",
    'SELECT * FROM pragma_database_list()',
    'SELECT * FROM sqlite_master',
    'SELECT 1; SELECT 2',
    'DROP TABLE runs',
    'INSERT INTO runs VALUES (1)',
    "COPY runs TO '/tmp/x'",
    "ATTACH 'x.db'",
    'PRAGMA version',
    'SET threads = 4',
    'INSTALL httpfs',
    'WITH "/etc/passwd.csv" AS (SELECT 1) SELECT * FROM "/etc/passwd.csv"',
    'SELECT',
    '',
  ])('refuses %s', async (sql) => {
    await expect(check(sql)).rejects.toThrow(SandboxError);
  });

  it('never lets a file through, wherever it stands in a statement', async () => {
    const place = fc.constantFrom(
      (t: string) => `SELECT * FROM ${t}`,
      (t: string) => `SELECT (SELECT count(*) FROM ${t})`,
      (t: string) => `SELECT * FROM runs WHERE EXISTS (SELECT 1 FROM ${t})`,
      (t: string) => `WITH a AS (SELECT * FROM ${t}) SELECT * FROM a`,
      (t: string) => `SELECT * FROM runs LEFT JOIN ${t} ON true`,
      (t: string) => `SELECT 1 UNION SELECT x FROM ${t}`,
      (t: string) => `SELECT * FROM runs ORDER BY (SELECT max(x) FROM ${t})`,
      (t: string) => `SELECT list_transform([1], lambda q: (SELECT 1 FROM ${t}))`,
      (t: string) => `SELECT count(*) FILTER (WHERE (SELECT true FROM ${t})) FROM runs`,
    );
    const target = fc.constantFrom(
      "'/etc/passwd'",
      "'data.parquet'",
      '"x/y.csv"',
      "read_csv('/etc/passwd')",
      "read_blob('*')",
      "glob('*')",
      "parquet_scan('x')",
      'duckdb_secrets()',
    );
    await fc.assert(
      fc.asyncProperty(place, target, async (within, table) => {
        await expect(check(within(table))).rejects.toThrow(SandboxError);
      }),
    );
  });
});
