import {
  type DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBEnumType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
  DuckDBVector,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { EngineValue } from './types.ts';

type RowReader = (row: number) => EngineValue;

/**
 * Decodes a chunk into rows. Leaf vectors go through the driver; lists and structs are walked here, because the
 * driver wraps every nested value in an object of its own, and LIST<FLOAT> is copied as memory.
 */
export function decodeChunk(chunk: DuckDBDataChunk, types: readonly DuckDBType[]): EngineValue[][] {
  const count = chunk.rowCount;
  const readers = types.map((type, c) =>
    vectorReader(duckdb.data_chunk_get_vector(chunk.chunk, c), count, type),
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
  const bits = duckdb.vector_get_validity(vector, Math.ceil(count / 64) * 8);
  if (bits === null) return () => true;
  return (row) => (bits[row >> 3]! & (1 << (row & 7))) !== 0;
}

function vectorReader(vector: duckdb.Vector, count: number, type: DuckDBType): RowReader {
  if (type instanceof DuckDBListType) return listReader(vector, count, type);
  if (type instanceof DuckDBStructType) return structReader(vector, count, type);
  const leaf = DuckDBVector.create(vector, count, type);
  const convert = leafConverter(type);
  return convert === undefined
    ? // The driver gives exactly the scalar for these types.
      (row) => leaf.getItem(row) as EngineValue
    : (row) => {
        const item = leaf.getItem(row);
        return item === null ? null : convert(item);
      };
}

function listReader(vector: duckdb.Vector, count: number, type: DuckDBListType): RowReader {
  const isValid = validity(vector, count);
  const child = duckdb.list_vector_get_child(vector);
  const childCount = duckdb.list_vector_get_size(vector);
  const raw = duckdb.vector_get_data(vector, count * 16);
  const entries = new BigUint64Array(raw.buffer, raw.byteOffset, count * 2);
  const start = (row: number) => Number(entries[row * 2]);
  const end = (row: number) => Number(entries[row * 2] ?? 0n) + Number(entries[row * 2 + 1] ?? 0n);
  if (type.valueType.typeId === DuckDBTypeId.FLOAT) {
    // One copy out of native memory for the whole chunk; rows are views of it.
    const bytes = duckdb.vector_get_data(child, childCount * 4).slice();
    const floats = new Float32Array(bytes.buffer, bytes.byteOffset, childCount);
    return (row) => (isValid(row) ? floats.subarray(start(row), end(row)) : null);
  }
  const read = vectorReader(child, childCount, type.valueType);
  return (row) => {
    if (!isValid(row)) return null;
    const items: EngineValue[] = [];
    for (let i = start(row), last = end(row); i < last; i++) items.push(read(i));
    return items;
  };
}

function structReader(vector: duckdb.Vector, count: number, type: DuckDBStructType): RowReader {
  const isValid = validity(vector, count);
  const names = type.entryNames;
  const readers = type.entryTypes.map((entryType, i) =>
    vectorReader(duckdb.struct_vector_get_child(vector, i), count, entryType),
  );
  return (row) => {
    if (!isValid(row)) return null;
    const object: Record<string, EngineValue> = {};
    for (let i = 0; i < readers.length; i++) object[names[i]!] = readers[i]!(row);
    return object;
  };
}

/** How a driver value of a type becomes an EngineValue; undefined where it is one already. */
function leafConverter(type: DuckDBType): ((item: DuckDBValue) => EngineValue) | undefined {
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
    case DuckDBTypeId.VARCHAR:
      return undefined;
    case DuckDBTypeId.TIMESTAMP_TZ:
    case DuckDBTypeId.TIMESTAMP:
      return (item) =>
        item instanceof DuckDBTimestampTZValue || item instanceof DuckDBTimestampValue
          ? item.micros
          : String(item);
    case DuckDBTypeId.DATE:
      return (item) => (item instanceof DuckDBDateValue ? item.toString() : String(item));
    case DuckDBTypeId.DECIMAL:
      return (item) => (item instanceof DuckDBDecimalValue ? item.toDouble() : String(item));
    default:
      return plainText;
  }
}

/** Types that no table of the lake has, but SQL can make (intervals, maps, blobs…): as DuckDB prints them. */
function plainText(item: DuckDBValue): EngineValue {
  return typeof item === 'number' || typeof item === 'bigint' || typeof item === 'boolean'
    ? item
    : String(item);
}

/** The name of a type for people and clients. */
export function typeName(type: DuckDBType): string {
  return type instanceof DuckDBEnumType || type instanceof DuckDBMapType ? 'VARCHAR' : type.toString();
}
