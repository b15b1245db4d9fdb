import {
  DuckDBArrayType,
  type DuckDBDataChunk,
  DuckDBDecimalValue,
  DuckDBEnumType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { isoMicros, isoNanos } from './iso-time.ts';
import type { EngineValue, TimeForm } from './types.ts';
import { type NumbersOf, Vector } from './vector.ts';

type RowReader = (row: number) => EngineValue;

/**
 * Decodes a chunk into rows. Values are read from its memory, but for types that are rare in the lake: those come through the
 * driver, which takes longer and wraps them in objects of its own.
 */
export function decodeChunk(
  chunk: DuckDBDataChunk,
  types: readonly DuckDBType[],
  times: TimeForm = 'micros',
): EngineValue[][] {
  const count = chunk.rowCount;
  const readers = types.map((type, c) =>
    reader(new Vector(duckdb.data_chunk_get_vector(chunk.chunk, c), count, type), times),
  );
  const rows: EngineValue[][] = new Array(count);
  for (let r = 0; r < count; r++) {
    const row: EngineValue[] = new Array(readers.length);
    for (let c = 0; c < readers.length; c++) row[c] = readers[c]!(r);
    rows[r] = row;
  }
  return rows;
}

/** Reads the values of a vector. */
function reader(vector: Vector, times: TimeForm): RowReader {
  const read = valueReader(vector, times);
  return vector.mayHaveNulls ? (row) => (vector.isNull(row) ? null : read(row)) : read;
}

/** Reads values that are not null. */
function valueReader(vector: Vector, times: TimeForm): RowReader {
  const { type } = vector;
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return listReader(vector, times);
  if (type instanceof DuckDBStructType) return structReader(vector, type, times);
  if (type instanceof DuckDBMapType) return mapReader(vector, times);
  switch (type.typeId) {
    case DuckDBTypeId.VARCHAR: {
      const texts = vector.texts();
      return (row) => texts.text(row);
    }
    case DuckDBTypeId.BOOLEAN: {
      const values = vector.numbers(Uint8Array);
      return (row) => values[row] !== 0;
    }
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_TZ: {
      const values = vector.numbers(BigInt64Array);
      return times === 'iso' ? (row) => isoMicros(values[row]!) : (row) => values[row]!;
    }
    default: {
      const Numbers = NUMBERS[type.typeId];
      if (Numbers === undefined) return drivenReader(vector, times);
      const values = vector.numbers(Numbers);
      return (row) => values[row]!;
    }
  }
}

/** Types whose values are what the memory holds. */
const NUMBERS: Readonly<Partial<Record<DuckDBTypeId, NumbersOf<ArrayLike<number> | ArrayLike<bigint>>>>> = {
  [DuckDBTypeId.TINYINT]: Int8Array,
  [DuckDBTypeId.UTINYINT]: Uint8Array,
  [DuckDBTypeId.SMALLINT]: Int16Array,
  [DuckDBTypeId.USMALLINT]: Uint16Array,
  [DuckDBTypeId.INTEGER]: Int32Array,
  [DuckDBTypeId.UINTEGER]: Uint32Array,
  [DuckDBTypeId.BIGINT]: BigInt64Array,
  [DuckDBTypeId.UBIGINT]: BigUint64Array,
  [DuckDBTypeId.FLOAT]: Float32Array,
  [DuckDBTypeId.DOUBLE]: Float64Array,
};

/** Lists and arrays. */
function listReader(vector: Vector, times: TimeForm): RowReader {
  const items = vector.items();
  const floats = floatsOf(items.vector);
  if (floats !== undefined) return (row) => floats.subarray(items.from(row), items.to(row));
  const read = reader(items.vector, times);
  return (row) => {
    const to = items.to(row);
    const values: EngineValue[] = [];
    for (let i = items.from(row); i < to; i++) values.push(read(i));
    return values;
  };
}

/** A copy of FLOATs without nulls: one for the whole chunk, of which rows are views. */
function floatsOf(vector: Vector): Float32Array | undefined {
  if (vector.type.typeId !== DuckDBTypeId.FLOAT) return undefined;
  if (vector.mayHaveNulls) {
    for (let row = 0; row < vector.size; row++) if (vector.isNull(row)) return undefined;
  }
  return vector.numbers(Float32Array).slice();
}

type Fields = Record<string, EngineValue>;

/** An object for fields of any names. */
function objectFor(names: readonly string[]): () => Fields {
  // Only without a prototype does it take a field of that name.
  return names.includes('__proto__') ? () => Object.create(null) : () => ({});
}

function structReader(vector: Vector, { entryNames: names }: DuckDBStructType, times: TimeForm): RowReader {
  const create = objectFor(names);
  const readers = names.map((_, i) => reader(vector.field(i), times));
  return (row) => {
    const object = create();
    for (let i = 0; i < readers.length; i++) object[names[i]!] = readers[i]!(row);
    return object;
  };
}

/** Keys become texts. */
function mapReader(vector: Vector, times: TimeForm): RowReader {
  const entries = vector.items();
  const key = reader(entries.vector.field(0), times);
  const value = reader(entries.vector.field(1), times);
  return (row) => {
    const [from, to] = [entries.from(row), entries.to(row)];
    const names: string[] = [];
    for (let i = from; i < to; i++) names.push(String(key(i)));
    const object = objectFor(names)();
    names.forEach((name, n) => {
      object[name] = value(from + n);
    });
    return object;
  };
}

function drivenReader(vector: Vector, times: TimeForm): RowReader {
  const values = vector.values();
  const convert = converter(vector.type, times);
  return (row) => {
    const item = values(row);
    return item === null ? null : convert(item);
  };
}

/** How a driver value of a type becomes an EngineValue. */
function converter(type: DuckDBType, times: TimeForm): (item: DuckDBValue) => EngineValue {
  switch (type.typeId) {
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
      return times === 'iso' ? isoTime : plain;
    case DuckDBTypeId.DECIMAL:
      return decimal;
    default:
      return plain;
  }
}

function isoTime(item: DuckDBValue): string {
  if (item instanceof DuckDBTimestampSecondsValue) return isoMicros(item.seconds, 1_000_000n);
  if (item instanceof DuckDBTimestampMillisecondsValue) return isoMicros(item.millis, 1000n);
  return item instanceof DuckDBTimestampNanosecondsValue ? isoNanos(item.nanos) : String(item);
}

/** Every decimal of so many digits comes back from the nearest double. */
const EXACT_DIGITS = 15;

/** A number where that is exact enough to be the same decimal again, else its text. */
function decimal(item: DuckDBValue): EngineValue {
  if (!(item instanceof DuckDBDecimalValue)) return String(item);
  const { value } = item;
  const digits = String(value < 0n ? -value : value).length;
  return digits <= EXACT_DIGITS ? item.toDouble() : item.toString();
}

/** Types that no table of the lake has, but SQL can make (intervals, unions, blobs…): as DuckDB prints them. */
function plain(item: DuckDBValue): EngineValue {
  return typeof item === 'number' || typeof item === 'bigint' || typeof item === 'boolean'
    ? item
    : String(item);
}

/** The name of a type for people and clients. */
export function typeName(type: DuckDBType): string {
  return type instanceof DuckDBEnumType ? 'VARCHAR' : type.toString();
}
