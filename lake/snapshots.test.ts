import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lakeIn, type TestLake } from '../test/support/temporary-lake.ts';
import type { AsOf } from './engine/types.ts';
import { commitKey } from './log/log-files.ts';
import { copyToParquet } from './parquet/copy.ts';
import { duckdbType } from './parquet/duckdb-types.ts';
import { dataFileName } from './parquet/file-name.ts';
import { LocalStore } from './store/local-store.ts';
import type { TableSpec } from './tables/schema.ts';
import { PREDICTIONS, RUNS } from './tables/tables.ts';
import { compact } from './upkeep/compact.ts';

/** A store in which something else happens right before the next commit to `runs`. */
class InterruptedStore extends LocalStore {
  before: (() => Promise<void>) | undefined;

  override async putIfAbsent(...args: Parameters<LocalStore['putIfAbsent']>): Promise<boolean> {
    const { before } = this;
    if (before !== undefined && args[0].includes(`${RUNS.name}/_delta_log/`)) {
      this.before = undefined;
      await before();
    }
    return super.putIfAbsent(...args);
  }
}

let directory: string;
let store: InterruptedStore;
let one: TestLake;
let other: TestLake;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'runlake-snapshots-'));
  store = new InterruptedStore(join(directory, 'store'));
  one = await lakeIn(join(directory, 'one'), { store });
  other = await lakeIn(join(directory, 'other'), { store: new LocalStore(join(directory, 'store')) });
});
afterEach(async () => {
  await one.close();
  await other.close();
  rmSync(directory, { recursive: true });
});

/** A file of one row of a run; columns that are not given are null. */
async function fileOf({ writer }: TestLake, spec: TableSpec, run: string) {
  const connection = await writer.connect();
  const given = new Map([
    ['run_id', `'${run}'`],
    ['ingest_id', `'${run}'`],
  ]);
  const columns = spec.columns.map(
    ({ name, type }) => `${given.get(name) ?? 'NULL'}::${duckdbType(type)} AS "${name}"`,
  );
  const path = join(writer.directory, dataFileName());
  const file = await copyToParquet(connection, `SELECT ${columns.join(', ')}`, spec, path);
  connection.closeSync();
  return file;
}

async function put(lake: TestLake, run: string): Promise<void> {
  const file = await fileOf(lake, PREDICTIONS, run);
  await lake.writer.append([{ table: PREDICTIONS.name, file, ingests: [run] }]);
  const entry = { run_id: run, ingest_id: run, content_sha256: run, stores: [] };
  await lake.writer.commitRuns(await fileOf(lake, RUNS, run), [entry]);
}

async function counts({ lake }: TestLake, asOf: AsOf): Promise<unknown> {
  const sql = 'SELECT (SELECT count(*) FROM runs)::INTEGER, (SELECT count(*) FROM predictions)::INTEGER';
  return (await lake.sandboxedQuery(await lake.snapshot(asOf), sql)).rows[0];
}

it('gives the rows of all tables as of a version or time at which runs were compacted', async () => {
  const { lake } = one;
  await put(one, 'a');
  await put(one, 'b');
  const { version: second } = await lake.table(RUNS.name).snapshot();
  await compact(lake.table(RUNS.name));
  const { version, timestamp } = await lake.table(RUNS.name).snapshot();
  expect(version).toBe(second + 1);
  expect(await counts(one, { version: second - 1 })).toEqual([1, 1]);
  for (const asOf of [{ version: second }, { version }, { timestamp }, { timestamp: new Date() }]) {
    expect(await counts(one, asOf)).toEqual([2, 2]);
  }
  await lake.store.delete([commitKey(lake.table(RUNS.name).root, second)]);
  await expect(lake.snapshot({ version })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
});

it('gives the rows of a run whose commit came first, as of the version that another writer made meanwhile', async () => {
  store.before = () => put(other, 'first');
  await put(one, 'second');
  const { version } = await one.lake.table(RUNS.name).snapshot();
  expect(await counts(one, { version: version - 1 })).toEqual([1, 1]);
  expect(await counts(one, { version })).toEqual([2, 2]);
  store.before = () => put(other, 'third');
  await one.writer.deleteRuns(new Set(['first']));
  expect(await counts(one, { version: version + 2 })).toEqual([2, 2]);
});
