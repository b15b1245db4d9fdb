import { type DuckDBType, type DuckDBValue, DuckDBVector } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { TextVector } from '../../../lake/engine/text-vector.ts';
import { isSet, validityOf } from '../../../lake/engine/validity.ts';

/** A typed array. */
export interface NumbersOf<T> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

/** Values of one type in the memory of DuckDB: a column of a chunk, which has to be kept meanwhile, or the items of its lists. */
export class Vector {
  readonly size: number;
  readonly type: DuckDBType;
  readonly #native: duckdb.Vector;
  readonly #validity: Uint8Array | null;

  constructor(native: duckdb.Vector, size: number, type: DuckDBType) {
    this.#native = native;
    this.size = size;
    this.type = type;
    this.#validity = validityOf(native, size);
  }

  isNull(row: number): boolean {
    return !isSet(this.#validity, row);
  }

  /** The values as memory, `perValue` numbers each. */
  numbers<T>(Numbers: NumbersOf<T>, perValue = 1): T {
    const count = this.size * perValue;
    const { buffer, byteOffset } = duckdb.vector_get_data(this.#native, count * Numbers.BYTES_PER_ELEMENT);
    return new Numbers(buffer, byteOffset, count);
  }

  /** The values as the driver gives them: slower, and for any type. */
  values(): (row: number) => DuckDBValue {
    const vector = DuckDBVector.create(this.#native, this.size, this.type);
    return (row) => vector.getItem(row);
  }

  /** The values of VARCHAR or BLOB. */
  texts(): TextVector {
    return new TextVector(this.#native, this.size, this.#validity);
  }

  /** The items of all rows of a LIST. */
  listItems(type: DuckDBType): Vector {
    return new Vector(
      duckdb.list_vector_get_child(this.#native),
      duckdb.list_vector_get_size(this.#native),
      type,
    );
  }

  /** The items of all rows of an ARRAY. */
  arrayItems(type: DuckDBType, length: number): Vector {
    return new Vector(duckdb.array_vector_get_child(this.#native), this.size * length, type);
  }
}
