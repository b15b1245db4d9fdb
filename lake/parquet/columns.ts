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
import { grown, type TextColumn } from '../tables/text-column.ts';
import { writeList, writeValues } from './raw-vectors.ts';
import { writeTexts } from './text-vectors.ts';

/**
 * Values of one column on their way into DuckDB. A batch of n rows travels as one row of n-element lists, written as
 * memory, and is unnested by DuckDB: a call a batch instead of a call a value.
 */
export interface ColumnBuffer {
  /** Type of the one value that stands for the batch. */
  readonly batchType: DuckDBType;
  add(cell: Cell): void;
  /** Adds the texts of some rows of a column. @throws InvalidArgumentError when this is no column of texts */
  addTexts(texts: TextColumn, from: number, to: number): void;
  /** Cells collected. */
  readonly count: number;
  /** Bytes that the texts among them take. */
  readonly textBytes: number;
  /** Forgets all but the first cells. */
  truncate(count: number): void;
  /** Writes the batch into the one row of a vector of `batchType`, and empties the buffer. */
  writeTo(vector: duckdb.Vector): void;
  /** SQL that makes n rows of the column's own type out of the batch in `name`. */
  unnest(name: string): string;
}

/** Where the values of a column are gathered on their way to DuckDB. */
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
      return new NumberBuffer(column, BIGINT, longOf, (values) => new BigInt64Array(values));
    case 'timestamp':
      return new NumberBuffer(column, TIMESTAMPTZ, timestampOf, (values) => new BigInt64Array(values));
    case 'integer':
      return new NumberBuffer(column, INTEGER, integerOf, (values) => new Int32Array(values));
    case 'double':
      return new NumberBuffer(column, DOUBLE, doubleOf, (values) => new Float64Array(values));
    case 'boolean':
      return new NumberBuffer(column, BOOLEAN, booleanOf, (values) => new Uint8Array(values));
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

class TextBuffer implements ColumnBuffer {
  readonly batchType = LIST(VARCHAR);
  readonly #column: Column;
  readonly #convert: (cell: Cell) => Converted<string>;
  readonly #cast: string;
  #bytes: Buffer = Buffer.allocUnsafe(1024);
  #size = 0;
  #starts: number[] = [];
  #lengths: number[] = [];
  #nulls: number[] = [];
  /** The last row's text, which is not stored again when it repeats. */
  #last: string | undefined;

  constructor(column: Column, convert: (cell: Cell) => Converted<string>, cast = '') {
    this.#column = column;
    this.#convert = convert;
    this.#cast = cast;
  }

  add(cell: Cell): void {
    if (cell === null || cell === undefined) {
      this.#addNull();
      return;
    }
    const text = this.#convert(cell);
    if (text === MISMATCH) throw wrongCell(this.#column, cell);
    if (text === this.#last) {
      this.#addRow(this.#starts.at(-1)!, this.#lengths.at(-1)!);
      return;
    }
    this.#reserve(3 * text.length);
    // UTF-8, as DuckDB has it: half of a surrogate pair has no encoding there and becomes U+FFFD.
    const length = this.#bytes.write(text, this.#size);
    this.#addRow(this.#size, length);
    this.#size += length;
    this.#last = text;
  }

  addTexts(texts: TextColumn, from: number, to: number): void {
    const start = texts.start(from);
    const offset = this.#size - start;
    this.#reserve(texts.start(to) - start);
    this.#size += texts.bytes.copy(this.#bytes, this.#size, start, texts.start(to));
    for (let row = from; row < to; row++) {
      if (texts.missing[row] === 1) this.#addNull();
      else this.#addRow(offset + texts.start(row), texts.ends[row]! - texts.start(row));
    }
    this.#last = undefined;
  }

  get count(): number {
    return this.#starts.length;
  }

  get textBytes(): number {
    return this.#size;
  }

  truncate(count: number): void {
    this.#starts.length = count;
    this.#lengths.length = count;
    this.#nulls = this.#nulls.filter((row) => row < count);
    this.#last = undefined;
  }

  writeTo(vector: duckdb.Vector): void {
    const bytes = this.#bytes.subarray(0, this.#size);
    writeTexts(vector, { bytes, starts: this.#starts, lengths: this.#lengths }, this.#nulls);
    this.#size = 0;
    this.truncate(0);
  }

  unnest(name: string): string {
    return `unnest(${name})${this.#cast}`;
  }

  #addNull(): void {
    this.#nulls.push(this.#starts.length);
    this.#addRow(0, 0);
    this.#last = undefined;
  }

  #addRow(start: number, length: number): void {
    this.#starts.push(start);
    this.#lengths.push(length);
  }

  #reserve(bytes: number): void {
    const wanted = this.#size + bytes;
    if (this.#bytes.length < wanted) this.#bytes = grown(this.#bytes, this.#size, wanted);
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

  addTexts(): never {
    throw wrongCell(this.#column, '');
  }

  get count(): number {
    return this.#values.length;
  }

  get textBytes(): number {
    return 0;
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

  addTexts(): never {
    throw wrongCell(this.#column, '');
  }

  get count(): number {
    return this.#lists.length;
  }

  get textBytes(): number {
    return 0;
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
