import type { TextColumn } from './text-column.ts';

/**
 * Column types of the lake. Each maps to one Delta type and one DuckDB type (`lake/log/types.ts`):
 * `json` is a string that holds one JSON text; `float[]` is a LIST<FLOAT> whose elements are never null.
 */
export type ColumnType =
  | 'string'
  | 'json'
  | 'long'
  | 'integer'
  | 'double'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'float[]'
  | 'string[]'
  | 'long[]';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Default true. */
  readonly nullable?: boolean;
  /** Of a list: the column that holds how many elements it has. */
  readonly lengthColumn?: string;
  /** One sentence for people: it becomes the column's comment in every door. */
  readonly doc: string;
}

export interface TableSpec {
  readonly name: string;
  readonly doc: string;
  readonly columns: readonly Column[];
  /** Data files are sorted by these columns, so that min/max statistics and row groups prune. */
  readonly sortBy: readonly string[];
  /** Rows a Parquet row group; DuckDB rounds requests below 2,048 up. Those of `activations` end earlier by their bytes (lake/parquet/vectors). */
  readonly rowGroupSize: number;
  /** Columns written with BYTE_STREAM_SPLIT (float vectors only; see docs/decisions). */
  readonly byteStreamSplit?: readonly string[];
}

/**
 * One value of a row on its way into the lake.
 * `timestamp`: microseconds since the epoch (bigint); `date`: `YYYY-MM-DD`; `json`: one JSON text;
 * `long`: bigint or safe integer; `float[]`: Float32Array.
 */
export type Cell =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Float32Array
  | readonly string[]
  | readonly bigint[];

/** A row by column name; a missing column is null. */
export type Row = Readonly<Record<string, Cell>>;

/** Rows that have some of their cells in columns: in all columns that are not named there they are like `rows`. */
export interface ColumnRows {
  readonly length: number;
  readonly rows: readonly Row[];
  readonly columns: Readonly<Record<string, TextColumn | readonly Cell[]>>;
}
