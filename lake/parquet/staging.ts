import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBTableFunction } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { sqlName } from '../engine/sql-text.ts';
import type { ColumnRows, Row, TableSpec } from '../tables/schema.ts';
import { TextColumn } from '../tables/text-column.ts';
import { type ColumnBuffer, columnBuffer } from './columns.ts';
import { type CopiedFile, copyToParquet } from './copy.ts';
import { duckdbType } from './duckdb-types.ts';
import { dataFileName } from './file-name.ts';

/** Rows that are handed to DuckDB at a time: enough to make the call cheap, little enough to hold twice. */
const BATCH_ROWS = 8_192;
/** Texts that are handed over early, where rows are large. */
const BATCH_BYTES = 32 * 1024 * 1024;

interface StagedTable {
  readonly spec: TableSpec;
  buffers: readonly ColumnBuffer[];
  /** The buffers that DuckDB takes up, or has taken up: they are filled again next. */
  others: readonly ColumnBuffer[];
  /** Rows in the buffers, and in all. */
  filled: number;
  total: number;
}

/** A table function of DuckDB that gives `batch` as its one row, once. */
interface BatchSource {
  readonly name: string;
  batch: readonly ColumnBuffer[] | undefined;
}

/** Adds rows to the buffers, a column at a time. */
function fill(table: StagedTable, given: ColumnRows, from: number, to: number, constants: Row): void {
  table.spec.columns.forEach(({ name }, c) => {
    const buffer = table.buffers[c]!;
    const constant = constants[name];
    const column = given.columns[name];
    if (constant !== undefined && constant !== null) for (let i = from; i < to; i++) buffer.add(constant);
    else if (column instanceof TextColumn) buffer.addTexts(column, from, to);
    else if (column !== undefined) for (let i = from; i < to; i++) buffer.add(column[i]);
    else for (let i = from; i < to; i++) buffer.add(given.rows[i]![name]);
  });
}

let registered = 0;

/**
 * Rows on their way into Parquet files: collected a table in temporary DuckDB tables, which spill to disk beyond
 * the instance's memory limit, and written sorted. One Staging belongs to one writer; it is not for concurrent use.
 */
export class Staging {
  readonly #connection: DuckDBConnection;
  readonly #directory: string;
  readonly #tables = new Map<string, StagedTable>();
  readonly #sources = new Map<string, BatchSource>();
  /** The batch that DuckDB is taking up while the next one is being filled. */
  #inserting: Promise<unknown> = Promise.resolve();

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
   * Takes rows over; what they are made of may be used again afterwards.
   * @param constants cells that every row has, over those of its own
   * @throws InvalidArgumentError when a cell is not of its column's type
   */
  async append(spec: TableSpec, rows: readonly Row[] | ColumnRows, constants: Row = {}): Promise<void> {
    const table = this.#tables.get(spec.name) ?? (await this.#open(spec));
    const given = 'columns' in rows ? rows : { length: rows.length, rows, columns: {} };
    for (let from = 0, to = 0; from < rows.length; from = to) {
      to = Math.min(rows.length, from + BATCH_ROWS - table.filled);
      try {
        fill(table, given, from, to, constants);
      } catch (error) {
        for (const buffer of table.buffers) if (buffer.count > table.filled) buffer.truncate(table.filled);
        throw error;
      }
      table.filled += to - from;
      table.total += to - from;
      const bytes = table.buffers.reduce((sum, buffer) => sum + buffer.textBytes, 0);
      if (table.filled === BATCH_ROWS || bytes >= BATCH_BYTES) await this.#flush(table);
    }
  }

  /** Forgets the rows of one ingest. */
  async discard(ingestId: string): Promise<void> {
    for (const table of this.#tables.values()) {
      await this.#settle(table);
      const name = sqlName(table.spec.name);
      await this.#connection.run(`DELETE FROM temp.${name} WHERE ingest_id = $1`, [ingestId]);
      const reader = await this.#connection.runAndReadAll(`SELECT count(*)::INTEGER FROM temp.${name}`);
      table.total = Number(reader.getRows()[0]?.[0] ?? 0);
    }
  }

  /** Writes what is staged, one sorted file a table that has rows, and starts over. */
  async write(): Promise<Map<string, CopiedFile>> {
    const files = new Map<string, CopiedFile>();
    // Sorting and encoding use every core; taking up batches must not (see LakeWriter.open).
    await this.#connection.run(`SET threads = ${availableParallelism()}`);
    for (const table of this.#tables.values()) {
      await this.#settle(table);
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
    await this.#connection.run('SET threads = 1');
    return files;
  }

  async #open(spec: TableSpec): Promise<StagedTable> {
    const columns = spec.columns.map(
      (column) => `${sqlName(column.name)} ${duckdbType(column.type).toString()}`,
    );
    await this.#connection.run(`CREATE OR REPLACE TEMP TABLE ${sqlName(spec.name)} (${columns.join(', ')})`);
    const [buffers, others] = [spec.columns.map(columnBuffer), spec.columns.map(columnBuffer)];
    const table: StagedTable = { spec, buffers, others, filled: 0, total: 0 };
    this.#tables.set(spec.name, table);
    return table;
  }

  /** Moves all buffered rows into the temporary table. */
  async #settle(table: StagedTable): Promise<void> {
    await this.#flush(table);
    await this.#inserting;
  }

  /** Hands the buffered rows to DuckDB, which takes them up while the caller goes on; at most one batch is on its way. */
  async #flush(table: StagedTable): Promise<void> {
    if (table.filled === 0) return;
    await this.#inserting;
    const { spec, buffers } = table;
    table.buffers = table.others;
    table.others = buffers;
    table.filled = 0;
    const source = this.#source(spec, buffers);
    source.batch = buffers;
    const columns = spec.columns.map((column, c) => buffers[c]!.unnest(sqlName(column.name)));
    this.#inserting = this.#connection.run(
      `INSERT INTO temp.${sqlName(spec.name)} SELECT ${columns.join(', ')} FROM ${source.name}()`,
    );
    // The failure surfaces where the batch is awaited; until then it is nobody's.
    this.#inserting.catch(() => {});
  }

  /** The table function that gives batches of a table; DuckDB keeps such functions for good, so there is one a table. */
  #source(spec: TableSpec, buffers: readonly ColumnBuffer[]): BatchSource {
    const known = this.#sources.get(spec.name);
    if (known !== undefined) return known;
    registered += 1;
    const source: BatchSource = { name: `staged_${registered}`, batch: undefined };
    const types = buffers.map((buffer) => buffer.batchType);
    this.#connection.registerTableFunction(
      DuckDBTableFunction.create({
        name: source.name,
        bindFunction: (info) => {
          spec.columns.forEach((column, c) => {
            info.addResultColumn(column.name, types[c]!);
          });
        },
        initFunction: (info) => info.setMaxThreads(1),
        mainFunction: (_info, chunk) => {
          const { batch } = source;
          chunk.rowCount = batch === undefined ? 0 : 1;
          batch?.forEach((buffer, c) => {
            buffer.writeTo(duckdb.data_chunk_get_vector(chunk.chunk, c));
          });
          source.batch = undefined;
        },
      }),
    );
    this.#sources.set(spec.name, source);
    return source;
  }
}
