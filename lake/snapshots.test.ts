import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TemporaryLake, temporaryLake } from '../test/support/temporary-lake.ts';
import { commitKey } from './log/log-files.ts';
import { copyToParquet } from './parquet/copy.ts';
import { duckdbType } from './parquet/duckdb-types.ts';
import { dataFileName } from './parquet/file-name.ts';
import type { TableSpec } from './tables/schema.ts';
import { PREDICTIONS, RUNS } from './tables/tables.ts';
import { compact } from './upkeep/compact.ts';

let open: TemporaryLake;
beforeAll(async () => {
  open = await temporaryLake();
});
afterAll(() => open.remove());

/** A file of one row of a run; columns that are not given are null. */
async function fileOf(spec: TableSpec, run: string) {
  const connection = await open.writer.connect();
  const given = new Map([
    ['run_id', `'${run}'`],
    ['ingest_id', `'${run}'`],
  ]);
  const columns = spec.columns.map(
    ({ name, type }) => `${given.get(name) ?? 'NULL'}::${duckdbType(type)} AS "${name}"`,
  );
  const path = join(open.writer.directory, dataFileName());
  const file = await copyToParquet(connection, `SELECT ${columns.join(', ')}`, spec, path);
  connection.closeSync();
  return file;
}

async function put(run: string): Promise<void> {
  const { writer } = open;
  await writer.append([{ table: PREDICTIONS.name, file: await fileOf(PREDICTIONS, run), ingests: [run] }]);
  const entry = { run_id: run, ingest_id: run, content_sha256: run, stores: [] };
  await writer.commitRuns(await fileOf(RUNS, run), [entry]);
}

async function counts(asOf: Parameters<typeof open.lake.snapshot>[0]): Promise<unknown> {
  const sql = 'SELECT (SELECT count(*) FROM runs)::INTEGER, (SELECT count(*) FROM predictions)::INTEGER';
  return (await open.lake.sandboxedQuery(await open.lake.snapshot(asOf), sql)).rows[0];
}

it('gives the rows of all tables as of a version or time at which runs were compacted', async () => {
  const { lake } = open;
  await put('a');
  await put('b');
  const { version: second } = await lake.table(RUNS.name).snapshot();
  await compact(lake.table(RUNS.name));
  const { version, timestamp } = await lake.table(RUNS.name).snapshot();
  expect(version).toBe(second + 1);
  expect(await counts({ version: second - 1 })).toEqual([1, 1]);
  for (const asOf of [{ version: second }, { version }, { timestamp }, { timestamp: new Date() }]) {
    expect(await counts(asOf)).toEqual([2, 2]);
  }
  await lake.store.delete([commitKey(lake.table(RUNS.name).root, second)]);
  await expect(lake.snapshot({ version })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
});
