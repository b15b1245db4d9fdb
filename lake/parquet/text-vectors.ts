import duckdb from '@duckdb/node-bindings';
import { copyValues, listElements, setNulls } from './raw-vectors.ts';

/** Bytes of a `duckdb_string_t`, and of the texts that lie in it rather than behind its pointer. */
const HANDLE = 16;
const INLINE = 12;

/** Texts within one run of bytes; they may share them. */
export interface Texts {
  readonly bytes: Uint8Array;
  readonly starts: ArrayLike<number>;
  readonly lengths: ArrayLike<number>;
}

/**
 * Writes texts as the one list in the first row of a LIST(VARCHAR) vector. A call a text would cost more than everything
 * else that happens to it, so DuckDB takes over all bytes as one text, and the elements are written as memory: the
 * public struct `duckdb_string_t`, whose pointers lead into that text. It lives as long as the vector.
 */
export function writeTexts(
  vector: duckdb.Vector,
  { bytes, starts, lengths }: Texts,
  nulls: readonly number[],
): void {
  const count = starts.length;
  const elements = listElements(vector, [count], count);
  const words = new Uint32Array(count * 4);
  const handles = new Uint8Array(words.buffer);
  let low = 0;
  let high = 0;
  if (bytes.length > INLINE) {
    duckdb.vector_assign_string_element_len(elements, 0, bytes);
    const own = duckdb.vector_get_data(elements, HANDLE);
    const view = new DataView(own.buffer, own.byteOffset, HANDLE);
    low = view.getUint32(8, true);
    high = view.getUint32(12, true);
  }
  for (let row = 0; row < count; row++) {
    const start = starts[row]!;
    const length = lengths[row]!;
    words[4 * row] = length;
    // Short texts lie in the handle; of long ones it has the first four bytes, and where they begin.
    const head = HANDLE * row + 4;
    const copied = length <= INLINE ? length : 4;
    for (let i = 0; i < copied; i++) handles[head + i] = bytes[start + i]!;
    if (length > INLINE) {
      const address = low + start;
      words[4 * row + 2] = address;
      words[4 * row + 3] = address > 0xffffffff ? high + 1 : high;
    }
  }
  copyValues(elements, handles);
  setNulls(elements, count, nulls);
}
