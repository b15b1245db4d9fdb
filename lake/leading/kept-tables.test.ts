import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Engine } from '../engine/engine.ts';
import { QueryError } from '../engine/errors.ts';
import type { Column } from '../tables/schema.ts';
import { KeptTables } from './kept-tables.ts';

let directory: string;
let engine: Engine;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'runlake-kept-'));
  engine = await Engine.open({ temporaryDirectory: directory, threads: 1 });
});
afterAll(() => {
  engine.close();
  rmSync(directory, { recursive: true });
});

const TEXT: Column = { name: 'a', type: 'string', doc: '' };

async function tables(): Promise<number> {
  const { rows } = await engine.query('SELECT count(*)::INTEGER FROM duckdb_tables()');
  return Number(rows[0]?.[0]);
}

it('keeps what was used last, by number and by bytes, and drops nothing that is held', async () => {
  const kept = new KeptTables({ engine, maxTables: 2, maxBytes: 10_000 });
  const make = (key: string, bytes = 1) => kept.make(key, `SELECT repeat('x', ${bytes}) AS a`, [TEXT], {});
  const a = await make('a');
  (await make('b')).release();
  kept.hold('a')?.release();
  (await make('c')).release();
  expect(['a', 'b', 'c'].map((key) => kept.has(key))).toEqual([true, false, true]);
  (await make('large', 20_000)).release();
  expect(kept.size).toEqual({ tables: 0, bytes: 0 });
  expect((await engine.query(`SELECT * FROM ${a.sql}`)).rows).toEqual([['x']]);
  a.release();
  await expect.poll(tables).toBe(0);
});

it('leaves nothing behind of a statement that fails, and keeps one table a key', async () => {
  const kept = new KeptTables({ engine, maxTables: 2, maxBytes: 10_000 });
  await expect(kept.make('a', `SELECT error('no') AS a FROM range(3)`, [TEXT], {})).rejects.toThrow(
    QueryError,
  );
  expect(kept.has('a')).toBe(false);
  const [one, two] = await Promise.all(
    ['1', '2'].map((a) => kept.make('a', `SELECT '${a}' AS a`, [TEXT], {})),
  );
  expect(kept.size.tables).toBe(1);
  for (const [table, value] of [[one!, '1'] as const, [two!, '2'] as const]) {
    expect((await engine.query(`SELECT * FROM ${table.sql}`)).rows).toEqual([[value]]);
    table.release();
  }
  await expect.poll(tables).toBe(1);
});
