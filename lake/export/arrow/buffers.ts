import { isSet } from '../../engine/validity.ts';

/** Bytes in pieces, joined when they are wanted. */
export class Pieces {
  #pieces: Uint8Array[] = [];
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#byteLength += piece.byteLength;
  }

  /** All bytes, at an address that any typed array can start at; nothing is left. */
  take(): Uint8Array {
    const [only] = this.#pieces;
    const joined =
      only !== undefined && this.#pieces.length === 1 && only.byteOffset % 8 === 0 ? only : this.#join();
    this.#pieces = [];
    this.#byteLength = 0;
    return joined;
  }

  #join(): Uint8Array {
    const joined = new Uint8Array(this.#byteLength);
    let position = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, position);
      position += piece.byteLength;
    }
    return joined;
  }
}

/** A growing bitmap, least significant bit first, as Arrow and DuckDB have it. */
export class Bits {
  #bytes = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds the bits `[from, to)` of a bitmap. */
  append(bits: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from);
    if (((this.#length | from) & 7) !== 0) {
      for (let i = from; i < to; i++) this.#push(isSet(bits, i));
      return;
    }
    const bytes = bits.subarray(from >> 3, (to + 7) >> 3);
    const start = this.#length >> 3;
    this.#bytes.set(bytes, start);
    this.#length += to - from;
    // What follows the last bit in its byte means nothing.
    if ((this.#length & 7) !== 0) this.#bytes[this.#length >> 3]! &= (1 << (this.#length & 7)) - 1;
  }

  /** Adds one bit a byte: whether it is there and not zero. */
  appendBytes(bytes: Uint8Array, valid: Uint8Array | null, from: number, to: number): void {
    this.#reserve(to - from);
    for (let i = from; i < to; i++) this.#push(isSet(valid, i) && bytes[i] !== 0);
  }

  appendOnes(count: number): void {
    this.#reserve(count);
    const end = this.#length + count;
    while (this.#length < end && (this.#length & 7) !== 0) this.#push(true);
    const whole = (end - this.#length) & ~7;
    this.#bytes.fill(0xff, this.#length >> 3, (this.#length + whole) >> 3);
    this.#length += whole;
    while (this.#length < end) this.#push(true);
  }

  appendZeros(count: number): void {
    this.#reserve(count);
    this.#length += count;
  }

  /** The bitmap; nothing is left. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, (this.#length + 7) >> 3);
    this.#bytes.fill(0);
    this.#length = 0;
    return taken;
  }

  #push(bit: boolean): void {
    if (bit) this.#bytes[this.#length >> 3]! |= 1 << (this.#length & 7);
    this.#length += 1;
  }

  #reserve(count: number): void {
    const needed = (this.#length + count + 7) >> 3;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Which values of a column are not null. There is a bitmap only once one is. */
export class Validity {
  #bits: Bits | undefined;
  #length = 0;

  /** Adds the values `[from, to)` of a vector. @param bits null when none of them is null */
  append(bits: Uint8Array | null, from: number, to: number): void {
    if (bits !== null && this.#bits === undefined) {
      this.#bits = new Bits();
      this.#bits.appendOnes(this.#length);
    }
    if (bits === null) {
      this.appendOnes(to - from);
    } else {
      this.#bits?.append(bits, from, to);
      this.#length += to - from;
    }
  }

  /** Adds values that are not null. */
  appendOnes(count: number): void {
    this.#bits?.appendOnes(count);
    this.#length += count;
  }

  /** How many values there are, how many of them are null, and the bitmap if any is; nothing is left. */
  take(): { length: number; nullCount: number; bitmap: Uint8Array | undefined } {
    const length = this.#length;
    const bitmap = this.#bits?.take();
    this.#bits = undefined;
    this.#length = 0;
    if (bitmap === undefined) return { length, nullCount: 0, bitmap };
    const nullCount = bitmap.reduce((left, byte) => left - ONES[byte]!, length);
    return { length, nullCount, bitmap: nullCount === 0 ? undefined : bitmap };
  }
}

/** How many bits of a byte are set. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest !== 0; rest >>= 1) ones += rest & 1;
  return ones;
});
