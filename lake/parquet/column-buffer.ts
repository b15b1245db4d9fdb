import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { Cell, Column } from '../tables/schema.ts';
import { duckdbValue, wrongCell } from './duckdb-values.ts';

/**
 * The cells of one column of a chunk on their way into DuckDB. Scalars are kept as DuckDB stores them and copied in
 * one piece; a text that is the same in every row, as most identifying columns are, is handed over once.
 */
export interface ColumnBuffer {
  /** @throws InvalidArgumentError when the cell is not of the column's type */
  set(row: number, cell: Cell): void;
  /** Moves the first `rows` cells into a column of a chunk that has been reset and has its row count. */
  flush(chunk: DuckDBDataChunk, index: number, rows: number): void;
}

/** @param capacity rows of a chunk, a multiple of 64 */
export function columnBuffer(column: Column, capacity: number): ColumnBuffer {
  switch (column.type) {
    case 'string':
    case 'json':
      return new TextBuffer(column, capacity);
    case 'long':
    case 'timestamp':
      return new ScalarBuffer(column, new BigInt64Array(capacity), longCell(column));
    case 'integer':
      return new ScalarBuffer(column, new Int32Array(capacity), integerCell);
    case 'date':
      return new ScalarBuffer(column, new Int32Array(capacity), dayCell);
    case 'double':
      return new ScalarBuffer(column, new Float64Array(capacity), doubleCell);
    case 'boolean':
      return new ScalarBuffer(column, new Uint8Array(capacity), booleanCell);
    default:
      return new ListBuffer(column);
  }
}

/** A bit a row, set where there is a value; DuckDB's own layout. */
class Validity {
  readonly #bits: Uint8Array<ArrayBuffer>;
  #nulls = false;

  constructor(capacity: number) {
    this.#bits = new Uint8Array(capacity / 8).fill(0xff);
  }

  setNull(row: number): void {
    this.#bits[row >> 3]! &= ~(1 << (row & 7));
    this.#nulls = true;
  }

  /** Takes back a null that a row left which was given up half-way. */
  setPresent(row: number): void {
    if (this.#nulls) this.#bits[row >> 3]! |= 1 << (row & 7);
  }

  /** Writes the bits and forgets them. */
  flush(vector: duckdb.Vector): void {
    if (!this.#nulls) return;
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, this.#bits.buffer, 0, this.#bits.byteLength);
    this.forget();
  }

  forget(): void {
    if (this.#nulls) this.#bits.fill(0xff);
    this.#nulls = false;
  }
}

class TextBuffer implements ColumnBuffer {
  readonly #column: Column;
  readonly #texts: (string | null)[];
  readonly #validity: Validity;

  constructor(column: Column, capacity: number) {
    this.#column = column;
    this.#texts = new Array<string | null>(capacity).fill(null);
    this.#validity = new Validity(capacity);
  }

  set(row: number, cell: Cell): void {
    if (typeof cell === 'string') {
      // DuckDB stores UTF-8: a lone surrogate has no encoding there.
      this.#texts[row] = cell.isWellFormed() ? cell : cell.toWellFormed();
      this.#validity.setPresent(row);
    } else if (cell === null || cell === undefined) {
      this.#texts[row] = null;
      this.#validity.setNull(row);
    } else throw wrongCell(this.#column, cell);
  }

  flush(chunk: DuckDBDataChunk, index: number, rows: number): void {
    const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
    const texts = this.#texts;
    const first = texts[0]!;
    if (first !== null && allEqual(texts, first, rows)) {
      duckdb.vector_reference_value(vector, duckdb.create_varchar(first));
      this.#validity.forget();
      return;
    }
    for (let row = 0; row < rows; row++) {
      const text = texts[row]!;
      if (text !== null) duckdb.vector_assign_string_element(vector, row, text);
    }
    this.#validity.flush(vector);
  }
}

function allEqual(texts: readonly (string | null)[], text: string, rows: number): boolean {
  for (let row = 1; row < rows; row++) if (texts[row] !== text) return false;
  return true;
}

type Scalars = (BigInt64Array | Int32Array | Float64Array | Uint8Array) & { readonly buffer: ArrayBuffer };

/** A cell as an element of the array; undefined when it is not of the type. */
type Convert<Element> = (cell: NonNullable<Cell>) => Element | undefined;

class ScalarBuffer<Values extends Scalars> implements ColumnBuffer {
  readonly #column: Column;
  readonly #values: Values;
  readonly #convert: Convert<Values[number]>;
  readonly #validity: Validity;

  constructor(column: Column, values: Values, convert: Convert<Values[number]>) {
    this.#column = column;
    this.#values = values;
    this.#convert = convert;
    this.#validity = new Validity(values.length);
  }

  set(row: number, cell: Cell): void {
    if (cell === null || cell === undefined) {
      this.#validity.setNull(row);
      return;
    }
    const value = this.#convert(cell);
    if (value === undefined) throw wrongCell(this.#column, cell);
    this.#values[row] = value;
    this.#validity.setPresent(row);
  }

  flush(chunk: DuckDBDataChunk, index: number, rows: number): void {
    const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
    const { buffer, BYTES_PER_ELEMENT } = this.#values;
    duckdb.copy_data_to_vector(vector, 0, buffer, 0, rows * BYTES_PER_ELEMENT);
    this.#validity.flush(vector);
  }
}

function longCell(column: Column): Convert<bigint> {
  const wholeNumbers = column.type === 'long';
  return (cell) => {
    if (typeof cell === 'bigint') return cell;
    return wholeNumbers && typeof cell === 'number' && Number.isSafeInteger(cell) ? BigInt(cell) : undefined;
  };
}

const integerCell: Convert<number> = (cell) =>
  typeof cell === 'number' && (cell | 0) === cell ? cell : undefined;

const doubleCell: Convert<number> = (cell) => (typeof cell === 'number' ? cell : undefined);

const booleanCell: Convert<number> = (cell) => (typeof cell === 'boolean' ? Number(cell) : undefined);

const MS_A_DAY = 86_400_000;

/** Days since the epoch. */
const dayCell: Convert<number> = (cell) => {
  const ms = typeof cell === 'string' ? Date.parse(`${cell}T00:00:00Z`) : Number.NaN;
  return Number.isFinite(ms) ? ms / MS_A_DAY : undefined;
};

/** Lists are rare: the driver's own conversion will do. */
class ListBuffer implements ColumnBuffer {
  readonly #column: Column;
  readonly #values: DuckDBValue[] = [];

  constructor(column: Column) {
    this.#column = column;
  }

  set(row: number, cell: Cell): void {
    this.#values[row] = duckdbValue(this.#column, cell);
  }

  flush(chunk: DuckDBDataChunk, index: number, rows: number): void {
    chunk.setColumnValues(index, this.#values.slice(0, rows));
  }
}
