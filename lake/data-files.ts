import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { sqlName, sqlString } from './engine/sql-text.ts';
import type { Lake } from './lake.ts';
import type { AddFile } from './log/actions.ts';
import { dataKey } from './log/paths.ts';
import { mayMatchAll } from './log/prune.ts';
import type { Snapshot as TableSnapshot } from './log/snapshot.ts';
import { addFile, fileStats } from './log/stats.ts';
import { type CopiedFile, copyToParquet } from './parquet/copy.ts';
import { dataFileName } from './parquet/file-name.ts';
import { relationSql } from './relation.ts';
import type { CallOptions } from './store/object-store.ts';
import { RUNS } from './tables/tables.ts';
import { COLUMNS_TAG, type RunEntry, runsOf, runTags } from './visibility.ts';

/** Rows by the values of a column of texts. */
export interface RowsOf {
  readonly column: string;
  readonly values: readonly string[];
}

/** Data files that leave a table because some of their rows do, and files of their other rows. */
export interface ReplacedFiles {
  readonly remove: AddFile[];
  readonly add: AddFile[];
}

export interface DataFilesOptions {
  readonly lake: Lake;
  /** Local directory for files on their way to the store. */
  readonly directory: string;
  /** Tag values of `COLUMNS_TAG` by table; absent where files must be read by name. */
  readonly columnCounts: ReadonlyMap<string, string>;
  /** A connection to a DuckDB that may read and write anywhere. */
  readonly connect: () => Promise<DuckDBConnection>;
}

/** Makes the data files that commits name: uploaded with their tags, or written anew without some of their rows. */
export class DataFiles {
  readonly #options: DataFilesOptions;

  constructor(options: DataFilesOptions) {
    this.#options = options;
  }

  /** Uploads a file, and gives the action that adds it to its table. @throws StoreError */
  async upload(
    table: string,
    file: CopiedFile,
    tags: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<AddFile> {
    const { lake, columnCounts } = this.#options;
    await lake.store.upload(dataKey(lake.table(table).root, file.name), { file: file.path }, options);
    const count = columnCounts.get(table);
    return addFile(lake.spec(table), file, file.name, {
      tags: { ...tags, ...(count === undefined ? {} : { [COLUMNS_TAG]: count }) },
    });
  }

  /** The rows of some runs out of a local file of `runs`. */
  ofRuns(path: string, runs: readonly RunEntry[]): Promise<CopiedFile> {
    const ids = runs.map((run) => sqlString(run.ingest_id)).join(', ');
    return this.#filtered(RUNS.name, path, `ingest_id IN (${ids})`);
  }

  /** What takes runs out of `runs`. */
  async withoutRuns(
    runs: TableSnapshot,
    ids: ReadonlySet<string>,
    options: CallOptions,
  ): Promise<ReplacedFiles> {
    const { lake } = this.#options;
    const remove: AddFile[] = [];
    const add: AddFile[] = [];
    for (const [path, live] of runs.files) {
      const held = runsOf(live);
      const kept = held.filter((run) => !ids.has(run.run_id));
      if (kept.length === held.length) continue;
      remove.push(live);
      if (kept.length === 0) continue;
      const object = { key: dataKey(runs.root, path), size: live.size };
      const rest = await lake.withLocalFile(object, (local) => this.ofRuns(local, kept), options);
      add.push(await this.upload(RUNS.name, rest, runTags(kept), options));
    }
    return { remove, add };
  }

  /** What takes rows out of a table whose rows belong to no ingest. */
  async without(
    table: TableSnapshot,
    { column, values }: RowsOf,
    options: CallOptions,
  ): Promise<ReplacedFiles> {
    const { lake } = this.#options;
    const remove: AddFile[] = [];
    const add: AddFile[] = [];
    if (values.length === 0) return { remove, add };
    const { name, columns } = table.spec;
    const condition = `${sqlName(column)} NOT IN (${values.map(sqlString).join(', ')})`;
    for (const [path, live] of table.files) {
      if (!mayMatchAll(fileStats(live), [{ column, in: values }], columns)) continue;
      const object = { key: dataKey(table.root, path), size: live.size };
      const rest = await lake.withLocalFile(
        object,
        (local) => this.#filtered(name, local, condition),
        options,
      );
      if (rest.rows < (fileStats(live).numRecords ?? Number.POSITIVE_INFINITY)) {
        remove.push(live);
        if (rest.rows > 0) add.push(await this.upload(name, rest, {}, options));
      }
      await unlink(rest.path).catch(() => {});
    }
    return { remove, add };
  }

  /** The rows of a file that satisfy a condition, with every column that the table has by now. */
  async #filtered(table: string, path: string, condition: string): Promise<CopiedFile> {
    const { lake, directory, connect } = this.#options;
    const spec = lake.spec(table);
    const rows = `SELECT * FROM read_parquet(${sqlString(path)}) WHERE ${condition}`;
    const columns = `SELECT * FROM ${relationSql(spec, spec, [])} none`;
    const order = spec.sortBy.map(sqlName).join(', ');
    const connection = await connect();
    try {
      return await copyToParquet(
        connection,
        `SELECT * FROM (${columns} UNION ALL BY NAME ${rows}) ORDER BY ${order}`,
        spec,
        join(directory, dataFileName()),
      );
    } finally {
      connection.closeSync();
    }
  }
}
