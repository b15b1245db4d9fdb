import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { sqlString } from '../engine/sql-text.ts';
import type { AddFile } from '../log/actions.ts';
import { dataKey } from '../log/paths.ts';
import type { Snapshot } from '../log/snapshot.ts';
import { addFile } from '../log/stats.ts';
import { DeltaTable, type TableOptions } from '../log/table.ts';
import { copyToParquet } from '../parquet/copy.ts';
import { dataFileName } from '../parquet/file-name.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { TableSpec } from '../tables/schema.ts';
import { COLUMNS_TAG, ingestTags } from '../visibility.ts';

export const SPEC: TableSpec = {
  name: 'things',
  doc: 'Things.',
  sortBy: ['id'],
  rowGroupSize: 2048,
  columns: [
    { name: 'id', type: 'string', nullable: false, doc: 'Identity.' },
    { name: 'ingest_id', type: 'string', nullable: false, doc: 'Ingest.' },
    { name: 'n', type: 'long', doc: 'A number.' },
    { name: 'x', type: 'double', doc: 'A double.' },
    { name: 'seen', type: 'timestamp', doc: 'A time.' },
    { name: 'v', type: 'float[]', doc: 'A vector.' },
  ],
};

/** Writes real Parquet files into tables and reads them back with DuckDB. */
export class Workbench {
  readonly folder: string;
  readonly connection: DuckDBConnection;

  private constructor(folder: string, connection: DuckDBConnection) {
    this.folder = folder;
    this.connection = connection;
  }

  static async open(): Promise<Workbench> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    return new Workbench(await mkdtemp(join(tmpdir(), 'runlake-bench-')), await instance.connect());
  }

  async close(): Promise<void> {
    this.connection.closeSync();
    await rm(this.folder, { recursive: true, force: true });
  }

  async table(store: ObjectStore, options: TableOptions = {}): Promise<DeltaTable> {
    const table = DeltaTable.open(store, 'tables/things', options);
    await table.create(SPEC);
    return table;
  }

  /** Uploads a file of `count` rows of each ingest, without committing it. */
  async upload(
    store: ObjectStore,
    root: string,
    ingests: readonly string[],
    options: { count?: number; first?: number; now?: number; spec?: TableSpec } = {},
  ): Promise<AddFile> {
    const { count = 3, first = 0, now = Date.now(), spec = SPEC } = options;
    const rows = ingests.map(
      (ingest) =>
        `SELECT format('{:05d}', i + ${first}) AS id, ${sqlString(ingest)} AS ingest_id, i + 9007199254740993 AS n,
          CASE WHEN i % 3 = 2 THEN 'nan'::DOUBLE WHEN i % 3 = 1 THEN NULL ELSE i / 7 END AS x,
          TIMESTAMPTZ '2026-01-01 00:00:00.123456+00' + to_seconds(i) AS seen,
          [i::FLOAT, 0.5::FLOAT] AS v FROM range(${count}) t(i)`,
    );
    const columns = spec.columns.map(({ name }) => name);
    const select = `SELECT ${columns.join(', ')} FROM (${rows.join(' UNION ALL ')}) ORDER BY id`;
    const copied = await copyToParquet(this.connection, select, spec, join(this.folder, dataFileName()));
    await store.upload(dataKey(root, copied.name), { file: copied.path });
    const tags = { ...ingestTags(ingests), [COLUMNS_TAG]: String(spec.columns.length) };
    return addFile(spec, copied, copied.name, { tags, now });
  }

  /** Appends a file of `count` rows of each ingest. */
  async append(
    table: DeltaTable,
    ingests: readonly string[],
    options: { count?: number; first?: number; now?: number } = {},
  ): Promise<AddFile> {
    const add = await this.upload(table.store, table.root, ingests, options);
    await table.commit({ name: 'WRITE' }, () => ({ add: [add] }));
    return add;
  }

  /** Every row of the live files, as JSON texts in order. */
  async rows(store: ObjectStore, snapshot: Snapshot): Promise<string[]> {
    const texts: string[] = [];
    for (const path of snapshot.files.keys())
      texts.push(...(await this.fileRows(store, snapshot.root, path)));
    return texts.sort();
  }

  async fileRows(store: ObjectStore, root: string, path: string): Promise<string[]> {
    const local = join(this.folder, dataFileName());
    await writeFile(local, await store.get(dataKey(root, path)));
    const reader = await this.connection.runAndReadAll(
      `SELECT row(id, ingest_id, n, x, seen, v)::VARCHAR FROM read_parquet(${sqlString(local)})`,
    );
    return reader.getRows().map((row) => String(row[0]));
  }
}
