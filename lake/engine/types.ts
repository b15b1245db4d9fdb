import type { DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import type { CallOptions } from '../store/object-store.ts';
import type { Column } from '../tables/schema.ts';

/** A state of the lake: the version of every table, and which ingests are current in it. Immutable. */
export interface LakeSnapshot {
  /** Version by table name; a table that does not exist yet is absent. */
  readonly versions: Readonly<Record<string, number>>;
  /** Opaque text that `Lake.snapshot({ snapshot: token })` turns back into the same state. */
  readonly token: string;
  /** Commit time of the newest version in it. */
  readonly timestamp: Date;
  /** Its runs by id, each with the ingest whose rows are current. */
  readonly runs: ReadonlyMap<string, { readonly ingest_id: string }>;
}

/** Which state to read: newest by default; else a token, a version of `runs`, or a time. */
export interface AsOf {
  readonly snapshot?: string;
  readonly version?: number;
  readonly timestamp?: Date;
}

/**
 * A condition that the planner knows to hold for every wanted row; used to skip files, never to filter rows.
 * On tables that belong to stores (`activations`, `tokens`) a condition on `run_id` means: only rows of the stores
 * that these runs refer to.
 */
export interface PruneCondition {
  readonly column: string;
  /** Any of these values. */
  readonly in?: readonly (string | number | bigint)[];
  readonly gte?: string | number | bigint;
  readonly lte?: string | number | bigint;
}

/** What pruning leaves of a table in a snapshot. */
export interface RelationSize {
  readonly files: number;
  readonly bytes: number;
  readonly rows: number;
}

/** Something to put after FROM: exactly the visible rows of one table in one snapshot. */
export interface Relation extends RelationSize {
  readonly sql: string;
  /** Whether a column is known to have one value in all rows, or null in all of them. */
  isConstant?(column: string): boolean;
  /** Lets go of the cached files behind it, once its SQL has run. Forgotten relations let go after a while. */
  release?(): void;
}

/** A relation of rows in memory, which stay there until it is released. */
export type LeadingRelation = Required<Pick<Relation, 'sql' | 'release'>>;

/** A condition on a row `t`, with its positional parameters `$1…`. */
export interface RowCondition {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** Rows of a table that come first in an order. */
export interface LeadingRowsRequest {
  /** With the same `key` and parameters the condition lets the same rows of a file through. */
  readonly where: RowCondition & { readonly key: string };
  /** Keys that begin the order; what comes after them decides among rows that are equal in these. */
  readonly order: readonly {
    readonly column: Column;
    readonly direction: 'ASC' | 'DESC';
    readonly nulls: 'FIRST' | 'LAST';
  }[];
  /** Where in this order to begin: whether a row is at or after the place, and whether it is equal to it. */
  readonly from?: {
    readonly atOrAfter: string;
    readonly equal: string;
    readonly params: readonly SqlValue[];
  };
  /** How many rows from there on. */
  readonly rows: number;
  /** The columns that are wanted of them. */
  readonly columns: readonly Column[];
}

export type SqlValue = string | number | bigint | boolean | null | readonly SqlValue[];

export interface StreamOptions extends CallOptions {
  /** Positional parameters `$1…`. */
  readonly params?: readonly SqlValue[];
  /** Whether the text will probably come again on this connection, so that its plan is worth keeping. */
  readonly again?: boolean;
  /** Interrupt with `QueryTimeoutError` when DuckDB has worked for this long; the time a reader takes between chunks is free. */
  readonly timeoutMs?: number;
  /** Of a sandboxed statement: refuse it when its data files, after pruning, hold more bytes (`QueryBytesError`). */
  readonly maxBytes?: number;
  /** Of a sandboxed statement: told what it will read of each table, before it runs; with `maxBytes` only. */
  readonly onSizes?: (sizes: readonly RelationSize[]) => void;
}

/** How moments come: as microseconds since the epoch (bigint), or as ISO 8601 text in UTC for those who hand them on. */
export type TimeForm = 'micros' | 'iso';

export interface QueryOptions extends StreamOptions {
  /** Default `micros`. */
  readonly times?: TimeForm;
  /** Stop reading after this many rows; `QueryResult.truncated` says whether more were there. */
  readonly maxRows?: number;
}

/**
 * A value as the engine returns it: BIGINT as bigint, TIMESTAMPTZ as `TimeForm` says, DATE as ISO text, DECIMAL as a number, or
 * as text with more than 15 digits; lists and arrays of FLOAT without nulls as Float32Array, others as arrays, STRUCT and MAP as
 * plain objects; everything else as DuckDB prints it. NaN and infinities survive.
 */
export type EngineValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Float32Array
  | readonly EngineValue[]
  | { readonly [field: string]: EngineValue };

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Row-major; each row has one value a column. */
  readonly rows: readonly (readonly EngineValue[])[];
  readonly truncated: boolean;
}

export interface ResultColumn {
  readonly name: string;
  readonly type: DuckDBType;
}

/** The rows of a running statement, a chunk at a time. Iterating closes it at the end; whoever does not, closes it. */
export interface ChunkStream extends AsyncIterable<DuckDBDataChunk> {
  readonly columns: readonly ResultColumn[];
  /**
   * The next rows (up to 2,048), or undefined after the last. Chunks stay valid after the next one and after `close`.
   * @throws QueryTimeoutError, CancelledError, QueryMemoryError, QueryError
   */
  next(): Promise<DuckDBDataChunk | undefined>;
  /** Ends the statement, interrupts a `next` that is under way, and lets go of everything behind it. */
  close(): Promise<void>;
}

/** What GraphQL, SQL and the doors for BI need of the lake. */
export interface LakeReader {
  snapshot(asOf?: AsOf, options?: CallOptions): Promise<LakeSnapshot>;
  /** @throws InvalidArgumentError for an unknown table */
  relation(
    snapshot: LakeSnapshot,
    table: string,
    prune?: readonly PruneCondition[],
    options?: CallOptions,
  ): Promise<Relation>;
  /** What `relation` would read, without fetching anything: for limits and cost estimates. */
  size?(
    snapshot: LakeSnapshot,
    table: string,
    prune?: readonly PruneCondition[],
    options?: CallOptions,
  ): Promise<RelationSize>;
  /**
   * A relation of few rows that holds, of the visible rows that meet a condition, the first ones in an order: all that are equal to
   * the place where it begins, at least the wanted number after it (or all there are), and with each row those equal to it. Undefined
   * where the lake does not know them cheaper than a statement over all rows would.
   */
  leadingRows?(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[],
    request: LeadingRowsRequest,
    options?: QueryOptions,
  ): Promise<LeadingRelation | undefined>;
  query(sql: string, options?: QueryOptions): Promise<QueryResult>;
  /** Runs one read-only statement over the views of a snapshot in a sandbox: no files, settings, extensions or network. */
  sandboxedQuery(snapshot: LakeSnapshot, sql: string, options?: QueryOptions): Promise<QueryResult>;
  /** What `sandboxedQuery` would read, without reading it. @throws SandboxError */
  statementSources?(sql: string): Promise<readonly StatementSource[]>;
}

/** A table that a statement reads, and what is known of the rows of it that it can use. */
export interface StatementSource {
  readonly table: string;
  readonly prune: readonly PruneCondition[];
}

/** What doors need that hand on results of any size. */
export interface StreamingReader extends Pick<LakeReader, 'snapshot'> {
  /**
   * Like `sandboxedQuery`, with the rows a chunk at a time as the caller asks for them.
   * @throws TooManyStreamsError
   */
  sandboxedStream(snapshot: LakeSnapshot, sql: string, options?: StreamOptions): Promise<ChunkStream>;
}
