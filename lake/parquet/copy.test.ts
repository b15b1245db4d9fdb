import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, expect, it } from 'vitest';
import { runQuery } from '../engine/engine.ts';
import { METRICS } from '../tables/tables.ts';
import { copyToParquet } from './copy.ts';

const directory = mkdtempSync(join(tmpdir(), 'runlake-copy-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('tells rows, bytes and the bounds of texts, whatever character they begin with', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const select = `SELECT unnest(['x', chr(65279) || 'a', NULL]) AS "a b"`;
  const file = await copyToParquet(connection, select, METRICS, join(directory, 'bounds.parquet'));
  expect(file).toMatchObject({ name: 'bounds.parquet', rows: 3 });
  expect(file.bytes).toBeGreaterThan(100);
  expect(file.columnStats['"a b"']).toMatchObject({ min: 'x', max: '\ufeffa', null_count: '1' });
});

it('lets -0 be found as 0 among values that come again', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const select = `SELECT CASE i % 3 WHEN 0 THEN '-0.0' WHEN 1 THEN '5' END::DOUBLE AS value FROM range(300) r(i)`;
  const { path } = await copyToParquet(connection, select, METRICS, join(directory, 'zero.parquet'));
  const { rows } = await runQuery(connection, `SELECT count(*) FROM '${path}' WHERE value = 0`);
  expect(rows).toEqual([[100n]]);
});
