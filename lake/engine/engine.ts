import { mkdir } from 'node:fs/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { decodeChunk, typeName } from './decode.ts';
import { sqlString } from './sql-text.ts';
import { INTERRUPT_MS, RunningStatement } from './statement.ts';
import type { EngineValue, QueryOptions, QueryResult } from './types.ts';

export interface EngineOptions {
  /** DuckDB's memory limit, e.g. `2GB`. */
  readonly memory?: string;
  /** Most that sorts and joins may spill to disk, e.g. `10GB`. Without it DuckDB takes what the disk has. */
  readonly spill?: string;
  readonly threads?: number;
  /** Where sorts and joins spill to; created when missing. */
  readonly temporaryDirectory: string;
  /**
   * Directories that queries may read. When given, everything else outside the process (other files, extensions,
   * the network) is closed to SQL for the life of the engine, and settings are locked.
   */
  readonly readableDirectories?: readonly string[];
}

/** A connection, and how to give it back; doing so twice does nothing. */
export interface LentConnection {
  readonly connection: DuckDBConnection;
  giveBack(): void;
}

/** A DuckDB instance with a pool of connections, on which queries can be cancelled, timed out and cut off. */
export class Engine {
  readonly #instance: DuckDBInstance;
  readonly #idle: DuckDBConnection[] = [];
  readonly #busy = new Set<DuckDBConnection>();
  #closed = false;

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  static async open(options: EngineOptions): Promise<Engine> {
    await mkdir(options.temporaryDirectory, { recursive: true });
    const config: Record<string, string> = {
      temp_directory: options.temporaryDirectory,
      // Row order never carries meaning here: every ordered answer has an ORDER BY.
      preserve_insertion_order: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    };
    if (options.memory !== undefined) config['memory_limit'] = options.memory;
    if (options.spill !== undefined) config['max_temp_directory_size'] = options.spill;
    if (options.threads !== undefined) config['threads'] = String(options.threads);
    const instance = await DuckDBInstance.create(':memory:', config);
    const engine = new Engine(instance);
    const { readableDirectories } = options;
    await engine.withConnection(async (connection) => {
      await connection.run(`SET GLOBAL TimeZone = 'UTC'`);
      // Data files are immutable: footers are parsed once and cached blocks never checked again.
      await connection.run('SET GLOBAL parquet_metadata_cache = true');
      await connection.run(`SET GLOBAL validate_external_file_cache = 'NO_VALIDATION'`);
      if (readableDirectories === undefined) return;
      const list = [...readableDirectories, options.temporaryDirectory].map((d) =>
        sqlString(d.endsWith('/') ? d : `${d}/`),
      );
      await connection.run(`SET allowed_directories = [${list.join(', ')}]`);
      await connection.run('SET enable_external_access = false');
      await connection.run('SET lock_configuration = true');
    });
    return engine;
  }

  /** Lends a connection; temporary objects made on it must be dropped by the borrower. */
  async lend(): Promise<LentConnection> {
    const connection = this.#idle.pop() ?? (await this.#instance.connect());
    this.#busy.add(connection);
    return {
      connection,
      giveBack: () => {
        if (!this.#busy.delete(connection)) return;
        if (this.#closed) connection.closeSync();
        else this.#idle.push(connection);
      },
    };
  }

  /** Lends a connection to `work`. */
  async withConnection<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const { connection, giveBack } = await this.lend();
    try {
      return await work(connection);
    } finally {
      giveBack();
    }
  }

  /**
   * Runs one statement and decodes its rows.
   * @throws QueryTimeoutError, CancelledError, QueryMemoryError, QueryError
   */
  query(sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    return this.withConnection((connection) => runQuery(connection, sql, { again: true, ...options }));
  }

  /** Interrupts what runs and closes everything. */
  close(): void {
    this.#closed = true;
    this.#interruptBusy();
    for (const connection of this.#idle) connection.closeSync();
    this.#idle.length = 0;
    if (this.#busy.size === 0) this.#instance.closeSync();
  }

  /** Until no connection is lent: who loses a statement may begin another one. */
  #interruptBusy(): void {
    for (const connection of this.#busy) connection.interrupt();
    if (this.#busy.size > 0) setTimeout(() => this.#interruptBusy(), INTERRUPT_MS).unref();
  }
}

/** Runs a statement on a borrowed connection under the limits of `options`. */
export async function runQuery(
  connection: DuckDBConnection,
  sql: string,
  options: QueryOptions = {},
): Promise<QueryResult> {
  const { maxRows = Number.POSITIVE_INFINITY } = options;
  const statement = await RunningStatement.start(connection, sql, options);
  try {
    const types = statement.columns.map(({ type }) => type);
    const rows: EngineValue[][] = [];
    for (let chunk = await statement.next(); chunk !== undefined; chunk = await statement.next()) {
      for (const row of decodeChunk(chunk, types, options.times)) rows.push(row);
      if (rows.length > maxRows) break;
    }
    const truncated = rows.length > maxRows;
    if (truncated) rows.length = maxRows;
    const columns = statement.columns.map(({ name, type }) => ({ name, type: typeName(type) }));
    return { columns, rows, truncated };
  } finally {
    await statement.close();
  }
}
