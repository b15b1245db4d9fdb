import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlString } from '../engine/sql-text.ts';
import type { PruneCondition } from '../engine/types.ts';
import { copyToParquet } from '../parquet/copy.ts';
import { duckdbType } from '../parquet/duckdb-types.ts';
import type { Column, TableSpec } from '../tables/schema.ts';
import { mayMatch } from './prune.ts';
import { addFile, decodeStats, fileStats } from './stats.ts';

let connection: DuckDBConnection;
let folder: string;

beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  folder = await mkdtemp(join(tmpdir(), 'runlake-stats-'));
});
afterAll(async () => {
  connection.closeSync();
  await rm(folder, { recursive: true, force: true });
});

function specOf(columns: readonly Column[], sortBy: readonly string[] = []): TableSpec {
  return { name: 't', doc: '', columns, sortBy, rowGroupSize: 2048 };
}

async function statsOfSelect(select: string, spec: TableSpec) {
  const copied = await copyToParquet(connection, select, spec, join(folder, 'x.parquet'));
  const file = addFile(spec, copied, 'x.parquet');
  return { file, json: JSON.parse(file.stats ?? ''), stats: fileStats(file) };
}

const COLUMNS: readonly Column[] = [
  { name: 'l', type: 'long', doc: '' },
  { name: 'i', type: 'integer', doc: '' },
  { name: 'd', type: 'double', doc: '' },
  { name: 's', type: 'string', doc: '' },
  { name: 'ts', type: 'timestamp', doc: '' },
  { name: 'day', type: 'date', doc: '' },
  { name: 'b', type: 'boolean', doc: '' },
  { name: 'j', type: 'json', doc: '' },
  { name: 'f', type: 'float[]', doc: '' },
  { name: 'none', type: 'string', doc: '' },
];

describe('statistics of a written file', () => {
  test('are those that Delta asks for', async () => {
    const { file, json } = await statsOfSelect(
      `SELECT 9007199254740993 + i AS l, i::INTEGER AS i, i / 4 AS d, repeat('é', 40) || i AS s,
        TIMESTAMPTZ '2026-01-01 00:00:00.000100+00' + to_microseconds(i) AS ts, DATE '2026-01-01' + i::INTEGER AS day,
        i > 1 AS b, '{}' AS j, [i::FLOAT] AS f, NULL::VARCHAR AS none FROM range(3) t(i)`,
      specOf(COLUMNS),
    );
    expect(file.stats).toContain('"minValues":{"l":9007199254740993,');
    expect(file.stats).toContain('"maxValues":{"l":9007199254740995,');
    delete json.minValues.l;
    delete json.maxValues.l;
    expect(json).toEqual({
      numRecords: 3,
      minValues: { i: 0, s: 'é'.repeat(32), ts: '2026-01-01T00:00:00.000Z', day: '2026-01-01' },
      maxValues: { i: 2, s: `${'é'.repeat(31)}ê`, ts: '2026-01-01T00:00:00.001Z', day: '2026-01-03' },
      nullCount: { l: 0, i: 0, d: 0, s: 0, ts: 0, day: 0, b: 0, j: 0, none: 3 },
    });
  });

  test('identifiers and sort keys keep long bounds, so that they prune', async () => {
    const columns: Column[] = ['run_id', 'sorted', 'other'].map((name) => ({
      name,
      type: 'string',
      doc: '',
    }));
    const { json } = await statsOfSelect(
      `SELECT repeat('x', 100) || i AS run_id, repeat('x', 100) || i AS sorted, repeat('x', 100) || i AS other FROM range(2) t(i)`,
      specOf(columns, ['sorted']),
    );
    expect(json.minValues).toEqual({
      run_id: `${'x'.repeat(100)}0`,
      sorted: `${'x'.repeat(100)}0`,
      other: 'x'.repeat(32),
    });
    expect(json.maxValues.other).toBe(`${'x'.repeat(31)}y`);
  });

  test('cover the first 32 columns', async () => {
    const columns: Column[] = Array.from({ length: 40 }, (_, i) => ({
      name: `c${i}`,
      type: 'long',
      doc: '',
    }));
    const { json } = await statsOfSelect(
      `SELECT ${columns.map((c) => `1::BIGINT AS ${c.name}`)}`,
      specOf(columns),
    );
    expect(Object.keys(json.nullCount)).toEqual(columns.slice(0, 32).map((c) => c.name));
    expect(Object.keys(json.minValues)).toHaveLength(32);
  });

  test.each(['start', 'middle', 'end'])('a NaN at the %s never hides behind a bound', async (where) => {
    const at = { start: 0, middle: 3000, end: 5999 }[where];
    const { json, stats } = await statsOfSelect(
      `SELECT CASE WHEN i = ${at} THEN 'nan'::DOUBLE ELSE i END AS d FROM range(6000) t(i)`,
      specOf([COLUMNS[2]!]),
    );
    expect([json.minValues, json.maxValues]).toEqual([{}, {}]);
    expect(mayMatch(stats, { column: 'd', gte: 1e9 }, COLUMNS[2])).toBe(true);
  });

  test('infinities, BC dates and odd names have no wrong bounds', async () => {
    const columns: Column[] = [
      { name: 'a "quoted" name', type: 'long', doc: '' },
      { name: 'd', type: 'double', doc: '' },
      { name: 'ts', type: 'timestamp', doc: '' },
      { name: 'day', type: 'date', doc: '' },
    ];
    const { json } = await statsOfSelect(
      `SELECT 7::BIGINT AS "a ""quoted"" name", '-inf'::DOUBLE AS d, TIMESTAMPTZ '-infinity' AS ts, DATE '0044-03-15 (BC)' AS day`,
      specOf(columns),
    );
    expect(json.minValues).toEqual({ 'a "quoted" name': 7 });
    expect(json.maxValues).toEqual({ 'a "quoted" name': 7 });
  });
});

describe('statistics of other writers', () => {
  test.each(['', 'x', '[]', '{"numRecords":-1}', '{"minValues":7}', '{"minValues":{"s":{"nested":1}}}'])(
    '%j is unknown, not an error',
    (text) => {
      expect(mayMatch(decodeStats(text), { column: 'l', gte: 5 }, COLUMNS[0])).toBe(true);
    },
  );

  test('bounds of doubles leave NaN out and print large values without an exponent', () => {
    const stats = decodeStats(`{"minValues":{"d":${2 ** 60}},"maxValues":{"d":${2 ** 61}}}`);
    const match = (condition: object) => mayMatch(stats, { column: 'd', ...condition }, COLUMNS[2]);
    expect(match({ in: [2 ** 60] })).toBe(true);
    expect(match({ in: [2 ** 60 - 256, 2 ** 61 + 512] })).toBe(false);
    expect(match({ in: [Number.NaN] })).toBe(true);
    expect(match({ gte: 2 ** 62 })).toBe(true);
    expect(match({ lte: 7 })).toBe(false);
    expect(match({ lte: Number.NaN })).toBe(true);
  });

  test('a timestamp maximum that was cut to milliseconds does not hide rows', () => {
    const stats = decodeStats('{"maxValues":{"ts":"2026-01-01T00:00:00.123Z"}}');
    const later = (micros: bigint) => mayMatch(stats, { column: 'ts', gte: micros }, COLUMNS[4]);
    expect(later(1_767_225_600_123_999n)).toBe(true);
    expect(later(1_767_225_600_124_000n)).toBe(false);
    expect(mayMatch(stats, { column: 'ts', gte: '2026-01-02T00:00:00Z' }, COLUMNS[4])).toBe(false);
  });
});

describe('pruning', () => {
  const edgeText = fc.string({
    unit: fc.constantFrom(
      'a',
      'z',
      '\u007f',
      'é',
      '\ud7ff',
      '\ue000',
      '\ufffd',
      '\uffff',
      '\u{1F600}',
      '\u{10ffff}',
    ),
    maxLength: 4,
  });
  const stem = fc.constantFrom(
    '',
    'main/hallulens/2026-01-20/contrastive_v1/',
    '\u{10ffff}'.repeat(40),
    'é'.repeat(300),
  );
  const texts = fc.tuple(stem, edgeText).map(([start, end]) => start + end);
  const long = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: 2n ** 53n - 2n, max: 2n ** 53n + 4n }),
  );
  const micros = fc.bigInt({ min: 1_767_225_600_000_000n, max: 1_767_225_600_003_000n });
  const day = fc
    .integer({ min: -800_000, max: 2_900_000 })
    .map((n) => new Date(n * 86_400_000).toISOString());

  const kinds = [
    { column: COLUMNS[0]!, value: long, sql: (v: unknown) => `'${v}'::BIGINT` },
    { column: COLUMNS[3]!, value: texts, sql: (v: unknown) => sqlString(String(v)) },
    {
      column: COLUMNS[4]!,
      value: micros,
      sql: (v: unknown) => `make_timestamptz(${v}::BIGINT)`,
    },
    {
      column: COLUMNS[5]!,
      value: day.filter((text) => /^\d{4}-/.test(text)).map((text) => text.slice(0, 10)),
      sql: (v: unknown) => `DATE '${v}'`,
    },
  ];

  test.each(kinds.map((kind) => [kind.column.type, kind] as const))(
    'never skips a file of %s that has a matching row, and skips where it can',
    async (_, { column, value, sql }) => {
      const values = value as fc.Arbitrary<string | number | bigint>;
      let skipped = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.option(values, { freq: 5 }), { minLength: 1, maxLength: 5 }),
          fc.array(values, { minLength: 1, maxLength: 8 }),
          async (stored, wanted) => {
            const rows = stored.map((v) => `(${v === null ? 'NULL' : sql(v)})`).join(', ');
            const none = `CAST(NULL AS ${duckdbType(column.type)})`;
            const select = `SELECT c AS ${column.name} FROM (VALUES ${rows}, (${none})) t(c)`;
            const { stats } = await statsOfSelect(select, specOf([column]));
            for (const v of [...wanted, ...stored.filter((s) => s !== null)]) {
              const conditions: [PruneCondition, string][] = [
                [{ column: column.name, in: [v] }, `= ${sql(v)}`],
                [{ column: column.name, gte: v }, `>= ${sql(v)}`],
                [{ column: column.name, lte: v }, `<= ${sql(v)}`],
              ];
              for (const [condition, comparison] of conditions) {
                if (mayMatch(stats, condition, column)) continue;
                skipped += 1;
                const found = await connection.runAndReadAll(
                  `SELECT count(*)::INTEGER FROM (${select}) WHERE ${column.name} ${comparison}`,
                );
                expect([condition, found.getRows()[0]?.[0]]).toEqual([condition, 0]);
              }
            }
          },
        ),
        { numRuns: 60 },
      );
      expect(skipped).toBeGreaterThan(50);
    },
  );

  test('a file of nulls, an empty list of values and an unknown column', () => {
    const stats = decodeStats('{"numRecords":3,"nullCount":{"l":3}}');
    expect(mayMatch(stats, { column: 'l', gte: 5 }, COLUMNS[0])).toBe(false);
    expect(mayMatch({}, { column: 'l', in: [] }, COLUMNS[0])).toBe(false);
    expect(mayMatch({}, { column: 'gone', in: [1] }, undefined)).toBe(true);
  });
});
