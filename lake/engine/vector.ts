import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBUnionType,
  type DuckDBValue,
  DuckDBVector,
  UTINYINT,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { TextVector } from './text-vector.ts';
import { isSet, validityOf } from './validity.ts';

/** A typed array. */
export interface NumbersOf<T> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

/** Items of a row: `[from, to)` of the items of all rows. */
export interface Items {
  readonly vector: Vector;
  from(row: number): number;
  to(row: number): number;
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

  /** False where no value is null; else some may be. */
  get mayHaveNulls(): boolean {
    return this.#validity !== null;
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

  /** The items of a LIST, ARRAY, or of a MAP, which are structs of `key` and `value`. @throws TypeError for other types */
  items(): Items {
    const { type } = this;
    if (type instanceof DuckDBArrayType) {
      const { length, valueType } = type;
      const vector = new Vector(duckdb.array_vector_get_child(this.#native), this.size * length, valueType);
      return { vector, from: (row) => row * length, to: (row) => (row + 1) * length };
    }
    const items = duckdb.list_vector_get_child(this.#native);
    const vector = new Vector(items, duckdb.list_vector_get_size(this.#native), itemType(type));
    // Offset and length of 64 bits, low words first; no chunk has 2^32 items.
    const words = this.numbers(Uint32Array, 4);
    return {
      vector,
      from: (row) => words[row * 4]!,
      to: (row) => words[row * 4]! + words[row * 4 + 2]!,
    };
  }

  /**
   * The values of a field of a STRUCT, by its position, or of a UNION: the first is the number of the member that counts, from 0,
   * and the members follow. What is in a struct that is null says nothing. @throws TypeError for other types
   */
  field(index: number): Vector {
    const type = fieldTypes(this.type)[index];
    if (type === undefined) throw new TypeError(`${this.type} has no field ${index}`);
    return new Vector(duckdb.struct_vector_get_child(this.#native, index), this.size, type);
  }
}

function fieldTypes(type: DuckDBType): readonly DuckDBType[] {
  if (type instanceof DuckDBStructType) return type.entryTypes;
  return type instanceof DuckDBUnionType ? [UTINYINT, ...type.memberTypes] : [];
}

function itemType(type: DuckDBType): DuckDBType {
  if (type instanceof DuckDBListType) return type.valueType;
  if (type instanceof DuckDBMapType)
    return new DuckDBStructType(['key', 'value'], [type.keyType, type.valueType]);
  throw new TypeError(`${type} has no items`);
}
