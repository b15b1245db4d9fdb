import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { METRICS } from '../tables/tables.ts';
import { copyToParquet } from './copy.ts';

it('tells rows, bytes and the bounds of texts, whatever character they begin with', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'runlake-copy-'));
  try {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const select = `SELECT unnest(['x', chr(65279) || 'a', NULL]) AS "a b"`;
    const file = await copyToParquet(connection, select, METRICS, join(directory, 'x.parquet'));
    expect(file).toMatchObject({ name: 'x.parquet', rows: 3 });
    expect(file.bytes).toBeGreaterThan(100);
    expect(file.columnStats['"a b"']).toMatchObject({ min: 'x', max: '\ufeffa', null_count: '1' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
