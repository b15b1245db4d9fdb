import duckdb from '@duckdb/node-bindings';
import { InvalidArgumentError } from '../errors.ts';

/*
 * The one place that writes DuckDB's vectors as memory: `copy_data_to_vector` does not check bounds, so every length
 * here comes from the arrays themselves.
 */

type Plain =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Copies values to the start of a vector that has room for them. */
export function copyValues(vector: duckdb.Vector, values: Plain): void {
  const { buffer } = values;
  if (!(buffer instanceof ArrayBuffer))
    throw new InvalidArgumentError('arrays in shared memory cannot be written');
  duckdb.copy_data_to_vector(vector, 0, buffer, values.byteOffset, values.byteLength);
}

/** Marks rows as null. */
export function setNulls(vector: duckdb.Vector, count: number, nulls: readonly number[]): void {
  if (nulls.length === 0) return;
  duckdb.vector_ensure_validity_writable(vector);
  const bits = new Uint8Array(Math.ceil(count / 64) * 8).fill(0xff);
  for (const row of nulls) bits[row >> 3]! &= ~(1 << (row & 7));
  duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength);
}

/** Gives a LIST vector its entries and room for `total` elements; returns the vector of the elements. */
export function listElements(
  vector: duckdb.Vector,
  lengths: ArrayLike<number>,
  total: number,
): duckdb.Vector {
  const entries = new BigUint64Array(lengths.length * 2);
  for (let i = 0, at = 0; i < lengths.length; i++) {
    entries[2 * i] = BigInt(at);
    entries[2 * i + 1] = BigInt(lengths[i]!);
    at += lengths[i]!;
  }
  duckdb.list_vector_reserve(vector, total);
  duckdb.list_vector_set_size(vector, total);
  copyValues(vector, entries);
  return duckdb.list_vector_get_child(vector);
}

/** Writes values, some of them null, as the one list in the first row of a LIST vector. */
export function writeValues(vector: duckdb.Vector, values: Plain, nulls: readonly number[]): void {
  const elements = listElements(vector, [values.length], values.length);
  copyValues(elements, values);
  setNulls(elements, values.length, nulls);
}

/** Writes lists, some of them null, as the one list of lists in the first row of a LIST(LIST) vector. */
export function writeList(
  vector: duckdb.Vector,
  lists: readonly (ArrayLike<number> | ArrayLike<bigint> | null)[],
  allocate: (total: number) => Float32Array | BigInt64Array,
): void {
  const lengths = lists.map((list) => list?.length ?? 0);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const inner = listElements(vector, [lists.length], lists.length);
  const elements = listElements(inner, lengths, total);
  const values = allocate(total);
  let at = 0;
  for (const list of lists) {
    if (list === null) continue;
    for (let i = 0; i < list.length; i++) values[at + i] = list[i]!;
    at += list.length;
  }
  copyValues(elements, values);
  setNulls(
    inner,
    lists.length,
    lists.flatMap((list, i) => (list === null ? [i] : [])),
  );
}
