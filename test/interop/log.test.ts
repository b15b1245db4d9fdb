import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { decompress as zstd } from 'fzstd';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PythonWorker } from '../../bench/processes.ts';
import { commitKey } from '../../lake/log/log-files.ts';
import { dataKey } from '../../lake/log/paths.ts';
import { addFile, fileStats } from '../../lake/log/stats.ts';
import { DeltaTable } from '../../lake/log/table.ts';
import { copyToParquet } from '../../lake/parquet/copy.ts';
import { dataFileName } from '../../lake/parquet/file-name.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import type { Column, TableSpec } from '../../lake/tables/schema.ts';
import { compact } from '../../lake/upkeep/compact.ts';
import { fsck } from '../../lake/upkeep/fsck.ts';
import { vacuum } from '../../lake/upkeep/vacuum.ts';
import { pythonHas } from '../support/python.ts';

const script = fileURLToPath(new URL('./log_tables.py', import.meta.url));
const available = pythonHas('deltalake', 'polars', 'pyarrow');

const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'string', nullable: false, doc: 'Identity.' },
  { name: 'n', type: 'long', doc: 'Beyond 2^53.' },
  { name: 'i', type: 'integer', doc: 'Small.' },
  { name: 'x', type: 'double', doc: 'With NaN and infinity.' },
  { name: 'b', type: 'boolean', doc: 'Truth.' },
  { name: 'seen', type: 'timestamp', doc: 'Microseconds, UTC.' },
  { name: 'day', type: 'date', doc: 'A day.' },
  { name: 'j', type: 'json', doc: 'JSON text.' },
  { name: 'v', type: 'float[]', doc: 'A vector.' },
  { name: 's', type: 'string[]', doc: 'Words.' },
  { name: 'l', type: 'long[]', doc: 'Numbers.' },
];
const ADDED: Column = { name: 'later', type: 'string', doc: 'Added by evolution.' };
const SPEC: TableSpec = {
  name: 'things',
  doc: 'Things of every type.',
  columns: COLUMNS,
  sortBy: ['id'],
  rowGroupSize: 2048,
  byteStreamSplit: ['v'],
};

/** The SQL of rows `first…first+2`, and below what every reader must give for one of them. */
const select = (
  first: number,
  more: boolean,
) => `SELECT format('{:05d}', i) AS id, 9007199254740992 + i AS n, i::INTEGER AS i,
  CASE i % 4 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE WHEN 2 THEN i / 4 END AS x, i % 2 = 0 AS b,
  TIMESTAMPTZ '2026-01-01 00:00:00.123456+00' + to_seconds(i) AS seen, DATE '2026-01-01' + i::INTEGER AS day,
  '{"i":' || i || '}' AS j, [i::FLOAT, 0.1::FLOAT] AS v, ['ü', i::VARCHAR] AS s, [9007199254740993 + i] AS l
  ${more ? ", 'more' AS later" : ''} FROM range(${first}, ${first + 3}) t(i)`;

const two = (i: number) => String(i).padStart(2, '0');
const expectedRow = (i: number) => [
  `0000${i}`,
  String(9007199254740992n + BigInt(i)),
  String(i),
  ['nan', 'inf', i === 2 ? '0.5' : '1.5', null][i % 4],
  i % 2 === 0,
  `2026-01-01T00:00:${two(i)}.123456+00:00`,
  `2026-01-${two(i + 1)}`,
  `{"i":${i}}`,
  [`${i}.0`, '0.10000000149011612'],
  ['ü', String(i)],
  [String(9007199254740993n + BigInt(i))],
  i >= 6 ? 'more' : null,
];

let connection: DuckDBConnection;
let folder: string;
let store: LocalStore;
/** One for all tests: its imports take most of its time. */
let worker: PythonWorker | undefined;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  folder = await mkdtemp(join(tmpdir(), 'runlake-interop-'));
  store = new LocalStore(folder);
  if (available) worker = new PythonWorker(script);
});
afterAll(async () => {
  worker?.close();
  connection.closeSync();
  await rm(folder, { recursive: true, force: true });
});

/** What log_tables.py answers. */
async function python(command: string, root: string) {
  // biome-ignore lint/suspicious/noExplicitAny: compared with what is expected
  const { result, error } = (await worker!.ask([command, join(folder, root)])) as any;
  expect(error).toBeUndefined();
  return result;
}

async function append(table: DeltaTable, first: number, spec: TableSpec, name = dataFileName()) {
  const more = spec.columns.length > COLUMNS.length;
  const copied = await copyToParquet(connection, select(first, more), spec, join(folder, dataFileName()));
  await store.upload(dataKey(table.root, name), { file: copied.path });
  const add = addFile(spec, copied, name, { tags: { 'runlake.ingests': '["x"]' } });
  const txn = { appId: 'ingest', version: first };
  await table.commit({ name: 'WRITE', parameters: { mode: 'Append' } }, () => ({ add: [add] }), { txn });
}

/** Four files, one of them removed, one with a name that must be escaped twice, a column added in between. */
async function history(root: string, checkpointInterval: number): Promise<DeltaTable> {
  const table = DeltaTable.open(store, root, { checkpointInterval });
  await table.create(SPEC);
  await append(table, 0, SPEC);
  await append(table, 3, SPEC, 'run=a%20b/part ü.parquet');
  const wider = { ...SPEC, columns: [...COLUMNS, ADDED] };
  await table.create(wider);
  await append(table, 6, wider);
  await append(table, 9, wider);
  await table.commit({ name: 'DELETE' }, ({ files }) => ({
    remove: [...files.values()].filter((file) => fileStats(file).minValues?.['id'] === '00009'),
  }));
  return table;
}

describe.skipIf(!available)('other engines', () => {
  test.each([
    ['from commits', 0],
    ['from a checkpoint', 6],
    ['from a checkpoint and commits', 4],
  ])('read our tables %s', async (name, checkpointInterval) => {
    const root = `tables/${name.replaceAll(' ', '_')}`;
    const table = await history(root, checkpointInterval);
    // What a reader must not need once there is a checkpoint.
    const gone = checkpointInterval === 0 ? [] : Array.from({ length: checkpointInterval }, (_, v) => v);
    const result = await python('read', root);
    const rows = Array.from({ length: 9 }, (_, i) => expectedRow(i));
    expect(result).toMatchObject({
      version: 6,
      name: 'things',
      description: 'Things of every type.',
      transaction: 9,
    });
    for (const reader of ['deltalake', 'polars', 'pyarrow', 'scan_delta']) {
      expect([reader, result[reader]]).toEqual([reader, rows]);
    }
    expect(result.version1).toEqual(rows.slice(0, 3).map((row) => row.slice(0, COLUMNS.length)));
    // Statistics must not hide rows from engines that prune by them.
    // NaN is greater than every number there too.
    const counts = { n: 1, id: 5, day: 2, seen: 5, x: 7, b: 5 };
    expect([result.filtered_datafusion, result.filtered_polars]).toEqual([counts, counts]);
    expect(result.operations).toEqual(
      ['DELETE', 'WRITE', 'WRITE', 'ADD COLUMNS', 'WRITE', 'WRITE', 'CREATE TABLE'].slice(
        0,
        result.operations.length,
      ),
    );
    if (gone.length > 0) {
      await store.delete(gone.map((version) => commitKey(root, version)));
      expect(await python('ids', root)).toEqual(rows.map(([id]) => id));
    }
    expect(await hyparquetRows(table)).toEqual(rows.map(([id, n]) => [id, BigInt(String(n))]));
    const { findings } = await fsck([DeltaTable.open(store, root)]);
    expect(findings).toEqual([]);
  });

  test('read our tables after compaction and vacuum', async () => {
    const table = await history('tables/compacted', 3);
    await compact(table);
    const now = () => Date.now() + 30 * 86_400_000;
    expect((await vacuum(table, { now })).deleted).toHaveLength(4);
    const reopened = DeltaTable.open(store, table.root);
    expect((await reopened.snapshot()).files.size).toBe(1);
    const rows = Array.from({ length: 9 }, (_, i) => expectedRow(i));
    expect(await hyparquetRows(reopened)).toEqual(rows.map(([id, n]) => [id, BigInt(String(n))]));
    expect(await python('ids', table.root)).toEqual(rows.map(([id]) => id));
  });

  test('write tables that we read', async () => {
    const root = 'tables/foreign';
    const made = await python('make', root);
    const table = DeltaTable.open(store, root);
    const snapshot = await table.snapshot();
    expect(snapshot.version).toBe(made.version);
    expect([...snapshot.files.keys()].sort()).toEqual(made.files);
    expect(snapshot.spec.columns.map(({ name, type }) => [name, type])).toEqual([
      ['id', 'string'],
      ['n', 'long'],
      ['seen', 'timestamp'],
      ['words', 'string[]'],
    ]);
    let records = 0;
    for (const file of snapshot.files.values()) records += fileStats(file).numRecords ?? Number.NaN;
    expect(records).toBe(made.rows.length);
    expect((await table.snapshot({ version: 0 })).files.size).toBe(1);
    // Everything, our statistics check included, holds for a table that another engine wrote.
    expect((await fsck([table])).findings).toEqual([]);
  });

  test('append to our tables between our commits', async () => {
    const root = 'tables/shared';
    const table = await history(root, 4);
    const { version } = await python('append', root);
    expect(version).toBe(7);
    const snapshot = await table.snapshot();
    expect([snapshot.version, snapshot.files.size]).toEqual([7, 4]);
    await append(table, 20, { ...SPEC, columns: [...COLUMNS, ADDED] });
    const result = await python('read', root);
    expect(result.version).toBe(8);
    expect(result.deltalake.map((row: unknown[]) => row[0])).toEqual([
      ...Array.from({ length: 9 }, (_, i) => `0000${i}`),
      '00020',
      '00021',
      '00022',
      'delta-rs',
    ]);
    expect((await fsck([table])).findings).toEqual([]);
  });
});

const compressors = { ZSTD: (input: Uint8Array) => zstd(input) };

/** id and n of every live row, read with a Parquet reader in JavaScript. */
async function hyparquetRows(table: DeltaTable): Promise<[unknown, unknown][]> {
  const { files } = await table.snapshot();
  const rows: [unknown, unknown][] = [];
  for (const path of files.keys()) {
    const bytes = await readFile(store.localPath(dataKey(table.root, path)));
    const file = new Uint8Array(bytes).buffer;
    const read = await parquetReadObjects({
      file,
      columns: ['id', 'n'],
      compressors,
    });
    for (const row of read) rows.push([row['id'], row['n']]);
  }
  return rows.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}
