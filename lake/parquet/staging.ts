import { join } from 'node:path';
import { type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { Row, TableSpec } from '../tables/schema.ts';
import { type ColumnBuffer, columnBuffer } from './column-buffer.ts';
import { type CopiedFile, copyToParquet } from './copy.ts';
import { duckdbType } from './duckdb-values.ts';
import { dataFileName, sqlName } from './file-name.ts';

/** DuckDB's vector size: the most rows a data chunk holds. */
export const CHUNK_ROWS = 2_048;

interface StagedTable {
  readonly spec: TableSpec;
  readonly appender: DuckDBAppender;
  readonly chunk: DuckDBDataChunk;
  /** Cells of the chunk being filled, in the order of the specification's columns. */
  readonly columns: readonly ColumnBuffer[];
  filled: number;
  total: number;
}

/**
 * Rows on their way into Parquet files: collected a table in temporary DuckDB tables, which spill to disk beyond
 * the instance's memory limit, and written sorted. One Staging belongs to one writer; it is not for concurrent use.
 */
export class Staging {
  readonly #connection: DuckDBConnection;
  readonly #directory: string;
  readonly #tables = new Map<string, StagedTable>();

  /** @param directory an existing local directory for the written files */
  constructor(connection: DuckDBConnection, directory: string) {
    this.#connection = connection;
    this.#directory = directory;
  }

  /** Rows staged and not yet written or discarded. */
  get rows(): number {
    let rows = 0;
    for (const table of this.#tables.values()) rows += table.total;
    return rows;
  }

  /**
   * @param common cells that every one of these rows has, instead of its own
   * @throws InvalidArgumentError when a cell is not of its column's type
   */
  async append(spec: TableSpec, rows: readonly Row[], common: Row = {}): Promise<void> {
    const table = this.#tables.get(spec.name) ?? (await this.#open(spec));
    const { columns } = spec;
    for (const row of rows) {
      for (let c = 0; c < columns.length; c++) {
        const { name } = columns[c]!;
        table.columns[c]!.set(table.filled, common[name] ?? row[name]);
      }
      table.filled += 1;
      table.total += 1;
      if (table.filled === CHUNK_ROWS) flushChunk(table);
    }
  }

  /** Forgets the rows of one ingest. */
  async discard(ingestId: string): Promise<void> {
    for (const table of this.#tables.values()) {
      flushChunk(table);
      table.appender.flushSync();
      const name = sqlName(table.spec.name);
      await this.#connection.run(`DELETE FROM temp.${name} WHERE ingest_id = $1`, [ingestId]);
      const reader = await this.#connection.runAndReadAll(`SELECT count(*)::INTEGER FROM temp.${name}`);
      table.total = Number(reader.getRows()[0]?.[0] ?? 0);
    }
  }

  /** Writes what is staged, one sorted file a table that has rows, and starts over. */
  async write(): Promise<Map<string, CopiedFile>> {
    const files = new Map<string, CopiedFile>();
    for (const table of this.#tables.values()) {
      flushChunk(table);
      table.appender.closeSync();
      const { spec } = table;
      const source = `temp.${sqlName(spec.name)}`;
      if (table.total > 0) {
        const order = spec.sortBy.map(sqlName).join(', ');
        const path = join(this.#directory, dataFileName());
        files.set(
          spec.name,
          await copyToParquet(this.#connection, `SELECT * FROM ${source} ORDER BY ${order}`, spec, path),
        );
      }
      await this.#connection.run(`DROP TABLE ${source}`);
    }
    this.#tables.clear();
    return files;
  }

  async #open(spec: TableSpec): Promise<StagedTable> {
    const types = spec.columns.map((column) => duckdbType(column.type));
    const columns = spec.columns.map((column, i) => `${sqlName(column.name)} ${types[i]!.toString()}`);
    await this.#connection.run(`CREATE OR REPLACE TEMP TABLE ${sqlName(spec.name)} (${columns.join(', ')})`);
    const table: StagedTable = {
      spec,
      appender: await this.#connection.createAppender(spec.name, 'main', 'temp'),
      chunk: DuckDBDataChunk.create(types),
      columns: spec.columns.map((column) => columnBuffer(column, CHUNK_ROWS)),
      filled: 0,
      total: 0,
    };
    this.#tables.set(spec.name, table);
    return table;
  }
}

function flushChunk(table: StagedTable): void {
  if (table.filled === 0) return;
  table.chunk.reset();
  table.chunk.rowCount = table.filled;
  for (let c = 0; c < table.columns.length; c++) table.columns[c]!.flush(table.chunk, c, table.filled);
  table.appender.appendDataChunk(table.chunk);
  table.filled = 0;
}
