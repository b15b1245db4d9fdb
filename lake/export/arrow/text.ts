import duckdb from '@duckdb/node-bindings';
import { isSet } from './buffers.ts';

/** DuckDB's entry of a text in a vector: its length, then its bytes or, when there are more, where they are. */
const ENTRY_BYTES = 16;
const INLINE_BYTES = 12;

/** The texts (or blobs) of a vector whose memory stays where it is while this is used. */
export class TextVector {
  readonly #entries: Uint8Array;
  /** Four words an entry: length, four bytes that begin the text, low and high half of the address. */
  readonly #words: Uint32Array;

  constructor(vector: duckdb.Vector, size: number) {
    this.#entries = duckdb.vector_get_data(vector, size * ENTRY_BYTES);
    const { buffer, byteOffset } = this.#entries;
    this.#words = new Uint32Array(buffer, byteOffset, size * 4);
  }

  /**
   * Copies the texts of the rows `[from, to)` one after the other, and writes where each ends.
   * @param bits validity of the rows; a row without has no bytes
   * @param ends where to put the ends, which count from `start`
   */
  copy(from: number, to: number, bits: Uint8Array | null, ends: Int32Array, start: number): Uint8Array {
    const words = this.#words;
    let total = 0;
    for (let row = from; row < to; row++) {
      if (isSet(bits, row)) total += words[row * 4]!;
      ends[row - from] = start + total;
    }
    const out = new Uint8Array(total);
    let position = 0;
    for (let row = from; row < to; ) {
      const length = isSet(bits, row) ? words[row * 4]! : 0;
      if (length <= INLINE_BYTES) {
        const first = row * ENTRY_BYTES + 4;
        for (let i = 0; i < length; i++) out[position + i] = this.#entries[first + i]!;
        position += length;
        row += 1;
      } else {
        const { next, bytes } = this.#run(row, to, bits);
        const run = this.#read(row, bytes);
        if (bytes === total) return run;
        out.set(run, position);
        position += bytes;
        row = next;
      }
    }
    return out;
  }

  /**
   * Rows from `row` on whose texts lie one behind the other in memory, as DuckDB puts them when it makes a chunk: a call
   * into native code costs more than copying a text.
   */
  #run(row: number, to: number, bits: Uint8Array | null): { next: number; bytes: number } {
    const words = this.#words;
    const start = this.#address(row);
    let bytes = words[row * 4]!;
    let next = row + 1;
    for (; next < to; next++) {
      if (!isSet(bits, next)) continue;
      const length = words[next * 4]!;
      if (length === 0) continue;
      if (length <= INLINE_BYTES || this.#address(next) !== start + bytes) break;
      bytes += length;
    }
    return { next, bytes };
  }

  #address(row: number): number {
    return this.#words[row * 4 + 3]! * 2 ** 32 + this.#words[row * 4 + 2]!;
  }

  #read(row: number, bytes: number): Uint8Array {
    const { buffer, byteOffset } = this.#entries;
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError('DuckDB gave shared memory');
    return duckdb.get_data_from_pointer(buffer, byteOffset + row * ENTRY_BYTES + 8, bytes);
  }
}
