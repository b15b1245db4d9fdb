import {
  DuckDBArrayType,
  type DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBEnumType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
  DuckDBVector,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { isoMicros, isoNanos } from './iso-time.ts';
import { TextVector } from './text-vector.ts';
import type { EngineValue, TimeForm } from './types.ts';
import { isSet, validityOf } from './validity.ts';

type RowReader = (row: number) => EngineValue;

/**
 * Decodes a chunk into rows. Leaf vectors but texts go through the driver; lists and structs are walked here, because the
 * driver wraps every nested value in an object of its own, and LIST<FLOAT> is copied as memory.
 */
export function decodeChunk(
  chunk: DuckDBDataChunk,
  types: readonly DuckDBType[],
  times: TimeForm = 'micros',
): EngineValue[][] {
  const count = chunk.rowCount;
  const readers = types.map((type, c) =>
    vectorReader(duckdb.data_chunk_get_vector(chunk.chunk, c), count, type, times),
  );
  const rows: EngineValue[][] = new Array(count);
  for (let r = 0; r < count; r++) {
    const row: EngineValue[] = new Array(readers.length);
    for (let c = 0; c < readers.length; c++) row[c] = readers[c]!(r);
    rows[r] = row;
  }
  return rows;
}

function validity(vector: duckdb.Vector, count: number): (row: number) => boolean {
  const bits = validityOf(vector, count);
  return (row) => isSet(bits, row);
}

function vectorReader(vector: duckdb.Vector, count: number, type: DuckDBType, times: TimeForm): RowReader {
  if (type instanceof DuckDBListType) return listReader(vector, count, type, times);
  if (type instanceof DuckDBArrayType) return arrayReader(vector, count, type, times);
  if (type instanceof DuckDBStructType) return structReader(vector, count, type, times);
  if (type instanceof DuckDBMapType) return mapReader(vector, count, type, times);
  if (type.typeId === DuckDBTypeId.VARCHAR) return textReader(vector, count);
  const leaf = DuckDBVector.create(vector, count, type);
  const convert = leafConverter(type, times);
  return convert === undefined
    ? // The driver gives exactly the scalar for these types.
      (row) => leaf.getItem(row) as EngineValue
    : (row) => {
        const item = leaf.getItem(row);
        return item === null ? null : convert(item);
      };
}

function textReader(vector: duckdb.Vector, count: number): RowReader {
  const bits = validityOf(vector, count);
  const texts = new TextVector(vector, count, bits);
  return (row) => (isSet(bits, row) ? texts.text(row) : null);
}

/** Gives the elements of a child vector from one place to another. */
type SpanReader = (start: number, end: number) => EngineValue;

function spanReader(child: duckdb.Vector, count: number, type: DuckDBType, times: TimeForm): SpanReader {
  if (type.typeId === DuckDBTypeId.FLOAT && !hasNulls(child, count)) {
    // One copy out of native memory for the whole chunk; rows are views of it.
    const bytes = duckdb.vector_get_data(child, count * 4).slice();
    const floats = new Float32Array(bytes.buffer, bytes.byteOffset, count);
    return (start, end) => floats.subarray(start, end);
  }
  const read = vectorReader(child, count, type, times);
  return (start, end) => {
    const items: EngineValue[] = [];
    for (let i = start; i < end; i++) items.push(read(i));
    return items;
  };
}

function hasNulls(vector: duckdb.Vector, count: number): boolean {
  if (validityOf(vector, count) === null) return false;
  const isValid = validity(vector, count);
  for (let row = 0; row < count; row++) if (!isValid(row)) return true;
  return false;
}

/** Where the elements of each row of a list or map lie in its child. */
function spans(vector: duckdb.Vector, count: number): (row: number) => readonly [start: number, end: number] {
  const raw = duckdb.vector_get_data(vector, count * 16);
  const entries = new BigUint64Array(raw.buffer, raw.byteOffset, count * 2);
  return (row) => {
    const start = Number(entries[row * 2]);
    return [start, start + Number(entries[row * 2 + 1])];
  };
}

function listReader(vector: duckdb.Vector, count: number, type: DuckDBListType, times: TimeForm): RowReader {
  const isValid = validity(vector, count);
  const span = spans(vector, count);
  const child = duckdb.list_vector_get_child(vector);
  const read = spanReader(child, duckdb.list_vector_get_size(vector), type.valueType, times);
  return (row) => (isValid(row) ? read(...span(row)) : null);
}

function arrayReader(
  vector: duckdb.Vector,
  count: number,
  { valueType, length }: DuckDBArrayType,
  times: TimeForm,
): RowReader {
  const isValid = validity(vector, count);
  const read = spanReader(duckdb.array_vector_get_child(vector), count * length, valueType, times);
  return (row) => (isValid(row) ? read(row * length, (row + 1) * length) : null);
}

type Fields = Record<string, EngineValue>;

/** An object for fields of any names. */
function objectFor(names: readonly string[]): () => Fields {
  // Only without a prototype does it take a field of that name.
  return names.includes('__proto__') ? () => Object.create(null) : () => ({});
}

function structReader(
  vector: duckdb.Vector,
  count: number,
  type: DuckDBStructType,
  times: TimeForm,
): RowReader {
  const isValid = validity(vector, count);
  const names = type.entryNames;
  const create = objectFor(names);
  const readers = type.entryTypes.map((entryType, i) =>
    vectorReader(duckdb.struct_vector_get_child(vector, i), count, entryType, times),
  );
  return (row) => {
    if (!isValid(row)) return null;
    const object = create();
    for (let i = 0; i < readers.length; i++) object[names[i]!] = readers[i]!(row);
    return object;
  };
}

/** Maps are lists of structs of a key and a value in memory. Keys become texts. */
function mapReader(vector: duckdb.Vector, count: number, type: DuckDBMapType, times: TimeForm): RowReader {
  const isValid = validity(vector, count);
  const span = spans(vector, count);
  const entries = duckdb.list_vector_get_child(vector);
  const size = duckdb.list_vector_get_size(vector);
  const part = (i: number, of: DuckDBType) =>
    vectorReader(duckdb.struct_vector_get_child(entries, i), size, of, times);
  const key = part(0, type.keyType);
  const value = part(1, type.valueType);
  return (row) => {
    if (!isValid(row)) return null;
    const [start, end] = span(row);
    const names: string[] = [];
    for (let i = start; i < end; i++) names.push(String(key(i)));
    const object = objectFor(names)();
    names.forEach((name, n) => {
      object[name] = value(start + n);
    });
    return object;
  };
}

/** How a driver value of a type becomes an EngineValue; undefined where it is one already. */
function leafConverter(type: DuckDBType, times: TimeForm): ((item: DuckDBValue) => EngineValue) | undefined {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.UINTEGER:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return undefined;
    case DuckDBTypeId.TIMESTAMP_TZ:
    case DuckDBTypeId.TIMESTAMP:
      return times === 'iso' ? isoTime : micros;
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
      return times === 'iso' ? isoTime : plainText;
    case DuckDBTypeId.DATE:
      return (item) => (item instanceof DuckDBDateValue ? item.toString() : String(item));
    case DuckDBTypeId.DECIMAL:
      return decimal;
    default:
      return plainText;
  }
}

function micros(item: DuckDBValue): EngineValue {
  return item instanceof DuckDBTimestampTZValue || item instanceof DuckDBTimestampValue
    ? item.micros
    : String(item);
}

function isoTime(item: DuckDBValue): string {
  if (item instanceof DuckDBTimestampTZValue || item instanceof DuckDBTimestampValue)
    return isoMicros(item.micros);
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
function plainText(item: DuckDBValue): EngineValue {
  return typeof item === 'number' || typeof item === 'bigint' || typeof item === 'boolean'
    ? item
    : String(item);
}

/** The name of a type for people and clients. */
export function typeName(type: DuckDBType): string {
  return type instanceof DuckDBEnumType ? 'VARCHAR' : type.toString();
}
