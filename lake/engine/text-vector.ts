import { isAscii } from 'node:buffer';
import duckdb from '@duckdb/node-bindings';
import { isSet } from './validity.ts';

/** DuckDB's entry of a text in a vector: its length, then its bytes or, when there are more, where they are. */
const ENTRY_BYTES = 16;
const INLINE_BYTES = 12;
/** Texts of this length are copied faster here than by the runtime, which has to be called for it. */
const SHORT_BYTES = 32;
/** Most that is taken out of native memory at once for single rows, but for a text that is longer. */
const WINDOW_BYTES = 1 << 20;

/** The texts (or blobs) of a vector whose memory stays where it is while this is used. */
export class TextVector {
  readonly #size: number;
  readonly #validity: Uint8Array | null;
  readonly #entries: Buffer;
  /** Four words an entry: length, four bytes that begin the text, low and high half of the address. */
  readonly #words: Uint32Array;
  /** What was fetched last, and where it lies. */
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  /** The entries as characters, for the short texts among them; null where some are no ASCII. */
  #characters: string | null | undefined;

  /** @param validity of its rows: a row without has no text */
  constructor(vector: duckdb.Vector, size: number, validity: Uint8Array | null) {
    this.#size = size;
    this.#validity = validity;
    const { buffer, byteOffset, byteLength } = duckdb.vector_get_data(vector, size * ENTRY_BYTES);
    this.#entries = Buffer.from(buffer, byteOffset, byteLength);
    this.#words = new Uint32Array(buffer, byteOffset, size * 4);
  }

  /** Bytes of the text of a row that is not null. */
  length(row: number): number {
    return this.#words[row * 4]!;
  }

  /** Copies the text of a row that is not null to a place in `target`, which has room for it. */
  write(row: number, target: Uint8Array, at: number): void {
    const length = this.length(row);
    if (length <= INLINE_BYTES) {
      copyShort(this.#entries, row * ENTRY_BYTES + 4, length, target, at);
      return;
    }
    const from = this.#fetched(row, length);
    if (length <= SHORT_BYTES) copyShort(this.#window, from, length, target, at);
    else this.#window.copy(target, at, from, from + length);
  }

  /**
   * The text of a row that is not null; bytes that are no UTF-8 become U+FFFD. The driver would leave out U+FEFF at its
   * beginning.
   */
  text(row: number): string {
    const length = this.length(row);
    if (length > INLINE_BYTES) {
      const from = this.#fetched(row, length);
      return this.#window.toString('utf8', from, from + length);
    }
    if (this.#characters === undefined)
      this.#characters = isAscii(this.#entries) ? this.#entries.toString('latin1') : null;
    const at = row * ENTRY_BYTES + 4;
    // A part so short is a copy: the text keeps nothing alive but itself.
    return this.#characters?.substring(at, at + length) ?? this.#entries.toString('utf8', at, at + length);
  }

  /** Where in the window the text of a row lies, which is not in its entry. */
  #fetched(row: number, length: number): number {
    const address = this.#address(row);
    const from = address - this.#windowStart;
    if (from >= 0 && from + length <= this.#window.length) return from;
    const { buffer, byteOffset, byteLength } = this.#read(row, this.#stretch(row));
    this.#window = Buffer.from(buffer, byteOffset, byteLength);
    this.#windowStart = address;
    return 0;
  }

  /**
   * Copies the texts of the rows `[from, to)` one after the other, and writes where each ends.
   * @param ends where to put the ends, which count from `start`
   */
  copy(from: number, to: number, ends: Int32Array, start: number): Uint8Array {
    const words = this.#words;
    let total = 0;
    for (let row = from; row < to; row++) {
      if (isSet(this.#validity, row)) total += words[row * 4]!;
      ends[row - from] = start + total;
    }
    const out = new Uint8Array(total);
    let position = 0;
    for (let row = from; row < to; ) {
      const length = isSet(this.#validity, row) ? words[row * 4]! : 0;
      if (length <= INLINE_BYTES) {
        copyShort(this.#entries, row * ENTRY_BYTES + 4, length, out, position);
        position += length;
        row += 1;
      } else {
        const { next, bytes } = this.#run(row, to);
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
  #run(row: number, to: number): { next: number; bytes: number } {
    const words = this.#words;
    const start = this.#address(row);
    let bytes = words[row * 4]!;
    let next = row + 1;
    for (; next < to; next++) {
      if (!isSet(this.#validity, next)) continue;
      const length = words[next * 4]!;
      if (length === 0) continue;
      if (length <= INLINE_BYTES || this.#address(next) !== start + bytes) break;
      bytes += length;
    }
    return { next, bytes };
  }

  /** Bytes from the text of `row` on that are taken at once: those of short texts lie elsewhere. */
  #stretch(row: number): number {
    const start = this.#address(row);
    let bytes = this.length(row);
    for (let next = row + 1; next < this.#size; next++) {
      if (!isSet(this.#validity, next)) continue;
      const length = this.length(next);
      if (length <= INLINE_BYTES) continue;
      if (this.#address(next) !== start + bytes || bytes + length > WINDOW_BYTES) break;
      bytes += length;
    }
    return bytes;
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

function copyShort(source: Uint8Array, from: number, length: number, target: Uint8Array, at: number): void {
  for (let i = 0; i < length; i++) target[at + i] = source[from + i]!;
}
