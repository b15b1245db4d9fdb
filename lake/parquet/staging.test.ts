import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { anyCharacter } from '../../test/support/any-character.ts';
import { pythonHas, pythonJson } from '../../test/support/python.ts';
import { runQuery } from '../engine/engine.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { TableSpec } from '../tables/schema.ts';
import { METRICS } from '../tables/tables.ts';
import { TextColumn } from '../tables/text-column.ts';
import { Staging } from './staging.ts';

const directory = mkdtempSync(join(tmpdir(), 'runlake-parquet-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** What pyarrow reads, as JSON lines. */
function pyarrow(path: string, columns: string): Record<string, unknown>[] {
  const script = `
import sys, json, pyarrow.parquet as pq
def plain(v):
    if isinstance(v, float) and v - v != 0: return str(v)
    if isinstance(v, int) and abs(v) > 2**53: return str(v)
    return v
t = pq.read_table(sys.argv[1], columns=json.loads(sys.argv[2]))
print(json.dumps([{k: plain(v) for k, v in row.items()} for row in t.to_pylist()], default=str))`;
  return z.array(z.record(z.string(), z.unknown())).parse(pythonJson(script, [path, columns]));
}

/** A column that is used a second time. */
function textColumn(texts: readonly (string | null)[]): TextColumn {
  const column = new TextColumn();
  for (const round of [['left', 'over'], texts]) {
    column.truncate(0);
    for (const text of round) {
      if (text === null) column.endMissing();
      else {
        column.reserve(3 * text.length);
        column.size += column.bytes.write(text, column.size);
        column.endText();
      }
    }
  }
  return column;
}

const everyType: TableSpec = {
  name: 'every_type',
  doc: '',
  sortBy: ['ingest_id', 'l'],
  rowGroupSize: 122_880,
  columns: [
    { name: 'ingest_id', type: 'string', doc: '' },
    { name: 'l', type: 'long', doc: '' },
    { name: 'i', type: 'integer', doc: '' },
    { name: 'd', type: 'double', doc: '' },
    { name: 'b', type: 'boolean', doc: '' },
    { name: 't', type: 'timestamp', doc: '' },
    { name: 'day', type: 'date', doc: '' },
    { name: 'j', type: 'json', doc: '' },
    { name: 'f', type: 'float[]', doc: '' },
    { name: 's', type: 'string[]', doc: '' },
  ],
};

describe('Staging', () => {
  it.skipIf(!pythonHas('pyarrow'))(
    'writes every type so that pyarrow reads the same values, sorted',
    async () => {
      const instance = await DuckDBInstance.create(':memory:');
      const connection = await instance.connect();
      const staging = new Staging(connection, directory);
      await staging.append(everyType, [
        { ingest_id: 'b', l: 2n ** 53n + 1n, i: -1, d: Number.NaN, b: true },
        {
          ingest_id: 'a',
          l: 7,
          d: Number.NEGATIVE_INFINITY,
          b: false,
          t: 1_795_208_253_000_926n,
          day: '2026-01-20',
          j: '{"x":"é😀"}',
          f: Float32Array.of(1.5, -0),
          s: ['u', 'v'],
        },
        { ingest_id: 'a', l: 1, j: 'lone \ud83d half' },
      ]);
      const file = (await staging.write()).get('every_type')!;
      expect(file.rows).toBe(3);
      const rows = pyarrow(file.path, JSON.stringify(everyType.columns.map((c) => c.name)));
      expect(rows.map((r) => [r['ingest_id'], r['l']])).toEqual([
        ['a', 1],
        ['a', 7],
        ['b', '9007199254740993'],
      ]);
      expect(rows[0]).toMatchObject({ j: 'lone \ufffd half', f: null, d: null });
      expect(rows[2]).toMatchObject({ d: 'nan', i: -1, b: true });
      expect(rows[1]).toMatchObject({
        d: '-inf',
        b: false,
        t: '2026-11-20 20:57:33.000926+00:00',
        day: '2026-01-20',
        j: '{"x":"é😀"}',
        f: [1.5, -0],
        s: ['u', 'v'],
      });
      expect(file.columnStats['"l"']).toMatchObject({ min: '1', max: '9007199254740993' });
    },
  );

  it('holds more rows than a chunk, forgets a discarded ingest and starts over after a write', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const staging = new Staging(connection, directory);
    const rows = Array.from({ length: 5_000 }, (_, k) => ({
      run_id: 'r',
      ingest_id: k % 2 === 0 ? 'keep' : 'drop',
      scope: 'overall',
      metric: `m${k}`,
      value: k,
      source: 'reported',
    }));
    await staging.append(METRICS, rows);
    await staging.discard('drop');
    expect(staging.rows).toBe(2_500);
    await staging.append(METRICS, rows.slice(0, 1));
    const file = (await staging.write()).get('metrics')!;
    expect(file.rows).toBe(2_501);
    expect(file.columnStats['"ingest_id"']).toMatchObject({ min: 'keep', max: 'keep' });
    expect(await staging.write()).toEqual(new Map());
  });

  it('keeps every cell of many chunks: constant, changing and missing values in turn', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const staging = new Staging(connection, directory);
    const scalar: TableSpec = { ...everyType, name: 'scalars', columns: everyType.columns.slice(0, 8) };
    const count = 3 * 2_048 + 100;
    const cell = <T>(k: number, value: T): T | null => (k % 3 === 0 && k > 2_048 ? null : value);
    const row = (k: number) => ({
      l: k,
      i: cell(k, 7 - k),
      d: cell(k, k / 8),
      b: cell(k, k % 2 === 0),
      t: cell(k, BigInt(k)),
      day: cell(k, k % 2 === 0 ? '1970-01-02' : '1969-12-31'),
      // One text in the first chunk, several later, and one again in the last rows.
      j: cell(k, k < 2_048 || k >= 3 * 2_048 ? '"same \u0000 text"' : `"text ${k}"`),
    });
    const rows = Array.from({ length: count }, (_, k) => row(k));
    // A row that is given up half-way leaves no trace in the one that takes its place.
    const bad = { ...row(1), i: null, d: null, j: null, day: 'never' };
    await staging.append(scalar, rows.slice(0, 10), { ingest_id: 'common' });
    await expect(staging.append(scalar, [bad])).rejects.toThrow(InvalidArgumentError);
    await staging.append(scalar, rows.slice(10), { ingest_id: 'common' });
    const file = (await staging.write()).get('scalars')!;
    const reader = await connection.runAndReadAll(
      `SELECT ingest_id, l, i, d, b, epoch_us(t), day::VARCHAR, j FROM read_parquet('${file.path}') ORDER BY l`,
    );
    expect(reader.getRows()).toEqual(
      rows.map(({ l, i, d, b, t, day, j }) => ['common', BigInt(l), i, d, b, t, day, j]),
    );
  });

  it('keeps every text, given as cells or as UTF-8', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 14 }),
      fc.string({ unit: anyCharacter, maxLength: 40 }),
      fc.constantFrom('', 'twelve bytes', 'thirteen byte', '\u0000', 'half \ud83d', null),
    );
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const spec: TableSpec = {
      ...everyType,
      name: 'texts',
      sortBy: ['l'],
      columns: [everyType.columns[1]!, everyType.columns[7]!],
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.array(text, { maxLength: 10 })), { minLength: 1, maxLength: 6 }),
        async (parts) => {
          const staging = new Staging(connection, directory);
          let count = 0;
          for (const [asColumn, texts] of parts) {
            const rows = texts.map((j) => ({ l: count++, j }));
            await staging.append(
              spec,
              asColumn ? { length: rows.length, rows, columns: { j: textColumn(texts) } } : rows,
            );
          }
          const file = (await staging.write()).get('texts');
          const found =
            file && (await runQuery(connection, `SELECT j FROM read_parquet('${file.path}') ORDER BY l`));
          const expected = parts.flatMap(([, texts]) => texts.map((j) => j?.toWellFormed() ?? null));
          expect(found?.rows.map(([j]) => j) ?? []).toEqual(expected);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('refuses a cell of the wrong type', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const staging = new Staging(connection, directory);
    await expect(staging.append(METRICS, [{ run_id: 1 }])).rejects.toThrow(InvalidArgumentError);
    const columns = { value: textColumn(['1']) };
    await expect(staging.append(METRICS, { length: 1, rows: [{}], columns })).rejects.toThrow(/value/);
    expect(await staging.write()).toEqual(new Map());
  });
});
