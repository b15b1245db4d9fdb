/**
 * Texts of some rows as UTF-8, one after the other: cells on their way into the lake that need not become strings.
 * Whoever fills it writes bytes, or puts them behind `size` after `reserve`, and ends each text with `endText`.
 */
export class TextColumn {
  bytes: Buffer = Buffer.allocUnsafe(4096);
  /** Bytes written. */
  size = 0;
  /** Where each text ends in `bytes`; it begins where the one before it ends. */
  ends = new Int32Array(256);
  /** 1 for rows without a text. */
  missing = new Uint8Array(256);
  /** Rows. */
  length = 0;

  /** Where the text of a row begins; for the row after the last: where the next one will. */
  start(row: number): number {
    return row === 0 ? 0 : this.ends[row - 1]!;
  }

  /** The bytes of a row's text, valid until more is written. */
  slice(row: number): Buffer {
    return this.bytes.subarray(this.start(row), this.ends[row]!);
  }

  /** The text of a row; undefined where there is none. */
  text(row: number): string | undefined {
    if (this.missing[row] === 1) return undefined;
    return this.bytes.toString('utf8', this.start(row), this.ends[row]!);
  }

  /** Makes room for so many bytes behind `size`. */
  reserve(bytes: number): void {
    if (this.bytes.length - this.size < bytes) this.bytes = grown(this.bytes, this.size, this.size + bytes);
  }

  write(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** Makes the bytes behind the last text the next one. */
  endText(): void {
    this.#end(0);
  }

  /** Adds a row without a text. */
  endMissing(): void {
    this.#end(1);
  }

  /** Forgets all but the first rows, and bytes that belong to no text. */
  truncate(rows: number): void {
    this.length = rows;
    this.size = this.start(rows);
  }

  #end(missing: 0 | 1): void {
    if (this.length === this.ends.length) {
      const [ends, flags] = [this.ends, this.missing];
      this.ends = new Int32Array(2 * this.length);
      this.ends.set(ends);
      this.missing = new Uint8Array(2 * this.length);
      this.missing.set(flags);
    }
    this.missing[this.length] = missing;
    this.ends[this.length++] = this.size;
  }
}

/** A larger buffer, with room for `wanted` bytes, that begins with the first `size` bytes of another. */
export function grown(bytes: Buffer, size: number, wanted: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(wanted, 2 * bytes.length));
  bytes.copy(larger, 0, 0, size);
  return larger;
}
