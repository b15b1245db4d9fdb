import duckdb from '@duckdb/node-bindings';

/** Which values of a vector are not null, a bit each, least significant first; null when none of them is null. */
export function validityOf(vector: duckdb.Vector, size: number): Uint8Array | null {
  return duckdb.vector_get_validity(vector, Math.ceil(size / 64) * 8);
}

/** Whether a value of a vector is not null. */
export function isSet(bits: Uint8Array | null, row: number): boolean {
  return bits === null || ((bits[row >> 3]! >> (row & 7)) & 1) === 1;
}
