import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBType,
  FLOAT,
  INTEGER,
  LIST,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import { InvalidArgumentError } from '../errors.ts';
import type { Cell, Column } from '../tables/schema.ts';
import { sqlString } from './file-name.ts';
import { writeList, writeText, writeValues } from './raw-vectors.ts';

/**
 * Values of one column on their way into DuckDB. A batch of n rows travels as one row of n-element lists, numbers as
 * memory copies and texts joined into one string, and is unnested by DuckDB: a call a batch instead of a call a value.
 */
export interface ColumnBuffer {
  /** Type of the one value that stands for the batch. */
  readonly batchType: DuckDBType;
  add(cell: Cell): void;
  /** Cells collected. */
  readonly count: number;
  /** Forgets all but the first cells. */
  truncate(count: number): void;
  /** Writes the batch into the one row of a vector of `batchType`, and empties the buffer. */
  writeTo(vector: duckdb.Vector): void;
  /** SQL that makes n rows of the column's own type out of the batch in `name`. */
  unnest(name: string): string;
}

export function columnBuffer(column: Column): ColumnBuffer {
  switch (column.type) {
    case 'string':
    case 'json':
      return new TextBuffer(column, textOf);
    case 'date':
      return new TextBuffer(column, dateText, '::DATE');
    case 'string[]':
      return new TextBuffer(column, listText, '::JSON::VARCHAR[]');
    case 'long':
      return new NumberBuffer(column, BIGINT, longOf, (values) => BigInt64Array.from(values));
    case 'timestamp':
      return new NumberBuffer(column, TIMESTAMPTZ, timestampOf, (values) => BigInt64Array.from(values));
    case 'integer':
      return new NumberBuffer(column, INTEGER, integerOf, (values) => Int32Array.from(values));
    case 'double':
      return new NumberBuffer(column, DOUBLE, doubleOf, (values) => Float64Array.from(values));
    case 'boolean':
      return new NumberBuffer(column, BOOLEAN, booleanOf, (values) => Uint8Array.from(values));
    case 'float[]':
      return new ListBuffer(column, FLOAT, floatsOf, (total) => new Float32Array(total));
    case 'long[]':
      return new ListBuffer(column, BIGINT, longsOf, (total) => new BigInt64Array(total));
  }
}

const MISMATCH = Symbol('mismatch');
type Converted<T> = T | typeof MISMATCH;

function wrongCell(column: Column, cell: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`column ${column.name} got a ${typeof cell}`, { expected: column.type });
}

const textOf = (cell: Cell): Converted<string> => (typeof cell === 'string' ? cell : MISMATCH);
const dateText = (cell: Cell): Converted<string> =>
  typeof cell === 'string' &&
  /^\d{4}-\d{2}-\d{2}$/.test(cell) &&
  Number.isFinite(Date.parse(`${cell}T00:00:00Z`))
    ? cell
    : MISMATCH;
const listText = (cell: Cell): Converted<string> => (Array.isArray(cell) ? JSON.stringify(cell) : MISMATCH);
const longOf = (cell: Cell): Converted<bigint> => {
  if (typeof cell === 'bigint') return BigInt.asIntN(64, cell) === cell ? cell : MISMATCH;
  return typeof cell === 'number' && Number.isSafeInteger(cell) ? BigInt(cell) : MISMATCH;
};
const timestampOf = (cell: Cell): Converted<bigint> => (typeof cell === 'bigint' ? cell : MISMATCH);
const integerOf = (cell: Cell): Converted<number> =>
  typeof cell === 'number' && (cell | 0) === cell ? cell : MISMATCH;
const doubleOf = (cell: Cell): Converted<number> => (typeof cell === 'number' ? cell : MISMATCH);
const booleanOf = (cell: Cell): Converted<number> => (typeof cell === 'boolean' ? Number(cell) : MISMATCH);
const floatsOf = (cell: Cell): Converted<Float32Array> => (cell instanceof Float32Array ? cell : MISMATCH);
const longsOf = (cell: Cell): Converted<readonly bigint[]> =>
  Array.isArray(cell) && cell.every((v) => typeof v === 'bigint') ? cell : MISMATCH;

/** Unit separator: absent from ordinary text, so joins rarely need another one. */
const SEPARATOR = '\u001f';
/** Record separator, alone: a null. */
const NULL_TEXT = '\u001e';

class TextBuffer implements ColumnBuffer {
  readonly batchType = VARCHAR;
  readonly #column: Column;
  readonly #convert: (cell: Cell) => Converted<string>;
  readonly #cast: string;
  #texts: string[] = [];
  #separator = SEPARATOR;
  #null = NULL_TEXT;

  constructor(column: Column, convert: (cell: Cell) => Converted<string>, cast = '') {
    this.#column = column;
    this.#convert = convert;
    this.#cast = cast;
  }

  add(cell: Cell): void {
    if (cell === null || cell === undefined) {
      this.#texts.push(this.#null);
      return;
    }
    const text = this.#convert(cell);
    if (text === MISMATCH) throw wrongCell(this.#column, cell);
    if (text.includes(this.#separator) || text === this.#null) this.#avoid(text);
    this.#texts.push(text);
  }

  get count(): number {
    return this.#texts.length;
  }

  truncate(count: number): void {
    this.#texts.length = count;
  }

  writeTo(vector: duckdb.Vector): void {
    // DuckDB stores UTF-8: a lone surrogate has no encoding there.
    writeText(vector, this.#texts.join(this.#separator).toWellFormed());
    this.#texts = [];
    this.#separator = SEPARATOR;
    this.#null = NULL_TEXT;
  }

  unnest(name: string): string {
    // The text of an empty batch would split into one empty value, but empty batches are not written.
    const item = `unnest(string_split(${name}, ${sqlString(this.#separator)}))`;
    return `nullif(${item}, ${sqlString(this.#null)})${this.#cast}`;
  }

  /** Takes other marks, which nothing collected so far nor `text` contains. */
  #avoid(text: string): void {
    const nulls = this.#null;
    do {
      const random = Math.random().toString(36).slice(2);
      this.#separator = `${SEPARATOR}${random}${SEPARATOR}`;
      this.#null = `${NULL_TEXT}${random}${NULL_TEXT}`;
    } while ([text, ...this.#texts].some((t) => t.includes(this.#separator) || t === this.#null));
    this.#texts = this.#texts.map((t) => (t === nulls ? this.#null : t));
  }
}

type NumberArray = BigInt64Array | Int32Array | Float64Array | Uint8Array;

class NumberBuffer<T extends number | bigint> implements ColumnBuffer {
  readonly batchType: DuckDBType;
  readonly #column: Column;
  readonly #convert: (cell: Cell) => Converted<T>;
  readonly #pack: (values: (T | never)[]) => NumberArray;
  #values: T[] = [];
  #nulls: number[] = [];

  constructor(
    column: Column,
    type: DuckDBType,
    convert: (cell: Cell) => Converted<T>,
    pack: (values: T[]) => NumberArray,
  ) {
    this.batchType = LIST(type);
    this.#column = column;
    this.#convert = convert;
    this.#pack = pack;
  }

  add(cell: Cell): void {
    if (cell === null || cell === undefined) {
      this.#nulls.push(this.#values.length);
      // Any value will do: the validity mask hides it.
      this.#values.push(this.#values[0] ?? this.#zero());
      return;
    }
    const value = this.#convert(cell);
    if (value === MISMATCH) throw wrongCell(this.#column, cell);
    this.#values.push(value);
  }

  get count(): number {
    return this.#values.length;
  }

  truncate(count: number): void {
    this.#values.length = count;
    this.#nulls = this.#nulls.filter((row) => row < count);
  }

  #zero(): T {
    return (this.#column.type === 'long' || this.#column.type === 'timestamp' ? 0n : 0) as T;
  }

  writeTo(vector: duckdb.Vector): void {
    writeValues(vector, this.#pack(this.#values), this.#nulls);
    this.#values = [];
    this.#nulls = [];
  }

  unnest(name: string): string {
    return `unnest(${name})`;
  }
}

class ListBuffer<T extends ArrayLike<number> | ArrayLike<bigint>> implements ColumnBuffer {
  readonly batchType: DuckDBType;
  readonly #column: Column;
  readonly #convert: (cell: Cell) => Converted<T>;
  readonly #allocate: (total: number) => Float32Array | BigInt64Array;
  #lists: (T | null)[] = [];

  constructor(
    column: Column,
    type: DuckDBType,
    convert: (cell: Cell) => Converted<T>,
    allocate: (total: number) => Float32Array | BigInt64Array,
  ) {
    this.batchType = LIST(LIST(type));
    this.#column = column;
    this.#convert = convert;
    this.#allocate = allocate;
  }

  add(cell: Cell): void {
    if (cell === null || cell === undefined) {
      this.#lists.push(null);
      return;
    }
    const list = this.#convert(cell);
    if (list === MISMATCH) throw wrongCell(this.#column, cell);
    this.#lists.push(list);
  }

  get count(): number {
    return this.#lists.length;
  }

  truncate(count: number): void {
    this.#lists.length = count;
  }

  writeTo(vector: duckdb.Vector): void {
    writeList(vector, this.#lists, this.#allocate);
    this.#lists = [];
  }

  unnest(name: string): string {
    return `unnest(${name})`;
  }
}
