import { mkdir } from 'node:fs/promises';
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  HUGEINT,
  LIST,
  listValue,
  SQLNULL,
  VARCHAR,
} from '@duckdb/node-api';
import { CancelledError, messageOf, RunlakeError } from '../errors.ts';
import { sqlString } from '../parquet/file-name.ts';
import { decodeChunk, typeName } from './decode.ts';
import { QueryError, QueryMemoryError, QueryTimeoutError } from './errors.ts';
import type { EngineValue, QueryOptions, QueryResult, SqlValue } from './types.ts';

export interface EngineOptions {
  /** DuckDB's memory limit, e.g. `2GB`. */
  readonly memory?: string;
  readonly threads?: number;
  /** Where sorts and joins spill to; created when missing. */
  readonly temporaryDirectory: string;
  /**
   * Directories that queries may read. When given, everything else outside the process (other files, extensions,
   * the network) is closed to SQL for the life of the engine, and settings are locked.
   */
  readonly readableDirectories?: readonly string[];
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
  async withConnection<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = this.#idle.pop() ?? (await this.#instance.connect());
    this.#busy.add(connection);
    try {
      return await work(connection);
    } finally {
      this.#busy.delete(connection);
      if (this.#closed) connection.closeSync();
      else this.#idle.push(connection);
    }
  }

  /**
   * Runs one statement and decodes its rows.
   * @throws QueryTimeoutError, CancelledError, QueryMemoryError, QueryError
   */
  query(sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    return this.withConnection((connection) => runQuery(connection, sql, options));
  }

  /** Interrupts what runs and closes everything. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#busy) connection.interrupt();
    for (const connection of this.#idle) connection.closeSync();
    this.#idle.length = 0;
    if (this.#busy.size === 0) this.#instance.closeSync();
  }
}

/**
 * A parameter with its type. Whole numbers go in as BIGINT: the driver would take them for DOUBLE or HUGEINT,
 * and comparisons with BIGINT columns would neither be exact nor prune row groups.
 */
function parameter(value: SqlValue): { value: DuckDBValue; type: DuckDBType } {
  switch (typeof value) {
    case 'string':
      return { value, type: VARCHAR };
    case 'boolean':
      return { value, type: BOOLEAN };
    case 'bigint':
      return { value, type: BigInt.asIntN(64, value) === value ? BIGINT : HUGEINT };
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? { value: BigInt(value), type: BIGINT }
        : { value, type: DOUBLE };
    default: {
      if (value === null) return { value, type: SQLNULL };
      const items = value.map(parameter);
      return { value: listValue(items.map((item) => item.value)), type: LIST(items[0]?.type ?? SQLNULL) };
    }
  }
}

const INTERRUPT_MS = 50;

/** Runs a statement on a borrowed connection under the limits of `options`. */
export async function runQuery(
  connection: DuckDBConnection,
  sql: string,
  options: QueryOptions = {},
): Promise<QueryResult> {
  const { signal, timeoutMs, maxRows = Number.POSITIVE_INFINITY, params } = options;
  if (signal?.aborted) throw new CancelledError('the query', signal.reason);
  let stoppedBy: 'timeout' | 'signal' | undefined;
  let again: NodeJS.Timeout | undefined;
  const stop = (reason: 'timeout' | 'signal') => {
    stoppedBy ??= reason;
    connection.interrupt();
    // DuckDB forgets an interrupt that comes before it has begun to execute: it is told until it stops.
    again ??= setInterval(() => connection.interrupt(), INTERRUPT_MS);
  };
  const onAbort = () => stop('signal');
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), timeoutMs);
  const ensureRunning = () => {
    if (stoppedBy === 'timeout') throw new QueryTimeoutError(timeoutMs ?? 0);
    if (stoppedBy === 'signal') throw new CancelledError('the query', signal?.reason);
  };
  try {
    const bound = params?.map(parameter) ?? [];
    const result = await connection.stream(
      sql,
      bound.map((p) => p.value),
      bound.map((p) => p.type),
    );
    const types = result.columnTypes();
    const names = result.columnNames();
    const rows: EngineValue[][] = [];
    let truncated = false;
    for (;;) {
      ensureRunning();
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      const decoded = decodeChunk(chunk, types);
      for (const row of decoded) rows.push(row);
      if (rows.length > maxRows) {
        rows.length = maxRows;
        truncated = true;
        break;
      }
    }
    return { columns: names.map((name, i) => ({ name, type: typeName(types[i]!) })), rows, truncated };
  } catch (error) {
    ensureRunning();
    throw queryError(error);
  } finally {
    clearTimeout(timer);
    clearInterval(again);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** DuckDB throws plain Errors whose message starts with the kind. */
function queryError(error: unknown): RunlakeError {
  if (error instanceof RunlakeError) return error;
  const message = messageOf(error);
  if (message.startsWith('Out of Memory')) {
    return new QueryMemoryError('the query needs more memory than the engine may use', {
      remedy: 'filter by run, select fewer columns, or raise RUNLAKE_MEMORY',
      cause: error,
    });
  }
  return new QueryError(message.split('\n\n')[0] ?? message, { cause: error });
}
