import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBResult,
  type DuckDBType,
  type DuckDBValue,
  HUGEINT,
  LIST,
  listValue,
  ResultReturnType,
  SQLNULL,
  VARCHAR,
} from '@duckdb/node-api';
import { CancelledError, messageOf, RunlakeError } from '../errors.ts';
import { vacuumedState } from '../log/errors.ts';
import { type OpenSpan, openSpan, SpanKind } from '../telemetry.ts';
import { QueryError, QueryMemoryError, QueryTimeoutError } from './errors.ts';
import { forgetPrepared, preparedStatement } from './prepared.ts';
import type { ChunkStream, ResultColumn, SqlValue, StreamOptions } from './types.ts';

/** How often DuckDB is told again to stop: it forgets an interrupt that comes before it has begun to execute. */
export const INTERRUPT_MS = 50;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Characters of a statement in its span: those that read many files name each. */
const SPAN_TEXT = 4096;

/** Lets DuckDB work on a connection as long as a caller wants it and its time lasts. Time between pieces of work is free. */
class Supervision {
  readonly #connection: DuckDBConnection;
  readonly #allowedMs: number | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.stop('signal');
  #leftMs: number;
  #stoppedBy: 'timeout' | 'signal' | 'close' | undefined;
  #again: NodeJS.Timeout | undefined;

  constructor(connection: DuckDBConnection, { signal, timeoutMs }: StreamOptions) {
    if (signal?.aborted) throw new CancelledError('the query', signal.reason);
    this.#connection = connection;
    this.#allowedMs = timeoutMs;
    this.#leftMs = timeoutMs ?? Number.POSITIVE_INFINITY;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** @throws QueryTimeoutError, CancelledError, QueryMemoryError, QueryError */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#check();
    const started = performance.now();
    const timer =
      this.#leftMs <= MAX_TIMER_MS ? setTimeout(() => this.stop('timeout'), this.#leftMs) : undefined;
    try {
      const value = await work();
      this.#check();
      return value;
    } catch (error) {
      this.#check();
      throw queryError(error);
    } finally {
      clearTimeout(timer);
      this.#leftMs -= performance.now() - started;
    }
  }

  stop(reason: 'timeout' | 'signal' | 'close'): void {
    this.#stoppedBy ??= reason;
    this.#connection.interrupt();
    this.#again ??= setInterval(() => this.#connection.interrupt(), INTERRUPT_MS);
  }

  end(): void {
    clearInterval(this.#again);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #check(): void {
    if (this.#stoppedBy === 'timeout') throw new QueryTimeoutError(this.#allowedMs ?? 0);
    if (this.#stoppedBy !== undefined) throw new CancelledError('the query', this.#signal?.reason);
  }
}

/**
 * A statement that runs on a borrowed connection and gives its rows a chunk at a time. DuckDB works ahead of the reader by
 * about a megabyte, then waits. Whoever starts one closes it; until then nothing else may run on the connection.
 */
export class RunningStatement implements ChunkStream {
  readonly columns: readonly ResultColumn[];
  readonly #connection: DuckDBConnection;
  readonly #supervision: Supervision;
  readonly #result: DuckDBResult;
  /** Runs the statement again for nothing but its error. */
  readonly #repeat: () => Promise<unknown>;
  readonly #afterwards: (() => Promise<void>) | undefined;
  readonly #span: OpenSpan;
  #rows = 0;
  #fetching: Promise<unknown> | undefined;
  #state: 'open' | 'exhausted' | 'closed' = 'open';

  private constructor(
    connection: DuckDBConnection,
    supervision: Supervision,
    result: DuckDBResult,
    repeat: () => Promise<unknown>,
    afterwards: (() => Promise<void>) | undefined,
    span: OpenSpan,
  ) {
    this.#connection = connection;
    this.#supervision = supervision;
    this.#result = result;
    this.#repeat = repeat;
    this.#afterwards = afterwards;
    this.#span = span;
    const types = result.columnTypes();
    this.columns = result.columnNames().map((name, i) => ({ name, type: types[i]! }));
  }

  /**
   * @param afterwards what `close` does in the end; whoever gets an error from here does it himself
   * @throws QueryTimeoutError, CancelledError, QueryMemoryError, QueryError
   */
  static async start(
    connection: DuckDBConnection,
    sql: string,
    options: StreamOptions = {},
    afterwards?: () => Promise<void>,
  ): Promise<RunningStatement> {
    const supervision = new Supervision(connection, options);
    const span = openSpan(
      operationOf(sql),
      { 'db.system.name': 'duckdb', 'db.query.text': sql.slice(0, SPAN_TEXT) },
      { kind: SpanKind.CLIENT },
    );
    const bound = options.params?.map(parameter) ?? [];
    const values = bound.map(({ value }) => value);
    const types = bound.map(({ type }) => type);
    try {
      const result = await supervision.run(async () => {
        const prepared = options.again ? await preparedStatement(connection, sql) : undefined;
        if (prepared === undefined) return connection.stream(sql, values, types);
        prepared.bind(values, types);
        return prepared.stream();
      });
      // A hash takes part in everything that each value is made of, and needs no memory.
      const repeat = `SELECT max(hash(COLUMNS(*))) FROM (${sql.replace(/;\s*$/, '')}\n)`;
      return new RunningStatement(
        connection,
        supervision,
        result,
        () => connection.run(repeat, values, types),
        afterwards,
        span,
      );
    } catch (error) {
      if (options.again) forgetPrepared(connection, sql);
      supervision.end();
      span.end(error);
      throw error;
    }
  }

  async next(): Promise<DuckDBDataChunk | undefined> {
    if (this.#state === 'closed') throw new CancelledError('the query', 'its rows are no longer wanted');
    if (this.#state === 'exhausted') return undefined;
    const fetched = this.#supervision.run(() => this.#fetch());
    this.#fetching = fetched.catch(() => undefined);
    const chunk = await fetched.catch((error: unknown) => {
      this.#span.end(error);
      throw error;
    });
    this.#rows += chunk?.rowCount ?? 0;
    if (chunk === undefined) this.#state = 'exhausted';
    return chunk;
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const unfinished = this.#state === 'open';
    this.#state = 'closed';
    if (unfinished) this.#supervision.stop('close');
    await this.#fetching;
    this.#supervision.end();
    this.#span.set({ 'db.response.returned_rows': this.#rows });
    this.#span.end();
    // The next statement on a connection ends the one before it; this one is here for nothing else, and it does so even
    // when it is interrupted itself.
    if (unfinished) await this.#connection.run('SELECT NULL').catch(() => undefined);
    await this.#afterwards?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<DuckDBDataChunk> {
    try {
      for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) yield chunk;
    } finally {
      await this.close();
    }
  }

  async #fetch(): Promise<DuckDBDataChunk | undefined> {
    const chunk = await this.#result.fetchChunk();
    if (chunk !== null && chunk.rowCount > 0) return chunk;
    // A stream that fails ends like one that has no more rows; only its type changes then.
    if (this.#result.returnType !== ResultReturnType.INVALID) return undefined;
    throw await this.#failure();
  }

  /** What went wrong: DuckDB's binding keeps the message to itself. */
  async #failure(): Promise<RunlakeError> {
    try {
      await this.#repeat();
    } catch (error) {
      const failure = queryError(error);
      if (!failure.message.startsWith('Parser Error')) return failure;
    }
    return new QueryError('the query failed while its rows were read');
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

/** What a statement does, by its first word. */
function operationOf(sql: string): string {
  return /^\s*([a-z]+)/i.exec(sql)?.[1]?.toUpperCase() ?? 'SQL';
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
  // Statements name files of the lake only.
  if (/^IO Error: (No files found that match|Cannot open file .*: No such file)/.test(message))
    return vacuumedState(error);
  return new QueryError(message.split('\n\n')[0] ?? message, { cause: error });
}
