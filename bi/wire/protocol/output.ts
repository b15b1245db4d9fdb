import { WireError } from './sqlstate.ts';

/** Texts of this length are written faster here than by the runtime, which has to be called for it. */
const SHORT = 48;
/** Most that is kept between two uses. */
const SPARE_BYTES = 1 << 18;
/** The longest text that PostgreSQL makes (MaxAllocSize). */
const MAX_BYTES = 0x3fff_ffff;
const ZERO = 0x30;

/** A buffer that grows: many small values are written into it, and it is handed on as one piece. */
export class Output {
  #buffer: Buffer;
  #view: DataView;
  #at = 0;
  /** A buffer that was handed on and came back. */
  #spare: Buffer | undefined;

  constructor(capacity = 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
    this.#view = viewOf(this.#buffer);
  }

  get length(): number {
    return this.#at;
  }

  /** What was written lies at its beginning; the next reservation may move it to another buffer. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Makes room and answers where it begins. @throws WireError when a message becomes longer than PostgreSQL's may */
  reserve(bytes: number): number {
    const at = this.#at;
    const needed = at + bytes;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#at = needed;
    return at;
  }

  #grow(needed: number): void {
    if (needed > MAX_BYTES) {
      throw new WireError('limitExceeded', 'a row is too long to be sent', {
        expected: `at most ${MAX_BYTES} bytes`,
        remedy: 'select fewer columns, or parts of long texts',
      });
    }
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#use(grown);
  }

  #use(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#view = viewOf(buffer);
  }

  /** Forgets what was written from a place on. */
  truncate(at: number): void {
    this.#at = at;
  }

  uint8(value: number): void {
    const at = this.reserve(1);
    this.#buffer[at] = value;
  }

  int16(value: number): void {
    const at = this.reserve(2);
    this.#buffer.writeInt16BE(value, at);
  }

  uint16(value: number): void {
    const at = this.reserve(2);
    this.#buffer.writeUInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.reserve(4);
    this.#view.setInt32(at, value);
  }

  uint32(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value);
  }

  int64(value: bigint): void {
    const at = this.reserve(8);
    this.#view.setBigInt64(at, value);
  }

  float32(value: number): void {
    const at = this.reserve(4);
    this.#view.setFloat32(at, value);
  }

  float64(value: number): void {
    const at = this.reserve(8);
    this.#view.setFloat64(at, value);
  }

  bytes(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.#buffer.set(value, at);
  }

  /** The last `count` decimal digits of an integer from 0 to 2^31 - 1. */
  digits(value: number, count: number): void {
    const at = this.reserve(count);
    let rest = value;
    for (let i = at + count - 1; i >= at; i--) {
      const tenth = (rest / 10) | 0;
      this.#buffer[i] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
  }

  /** UTF-8 without an end mark. */
  text(value: string): void {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const at = this.reserve(value.length * 3);
    const { length } = value;
    let ascii = length <= SHORT ? 0 : -1;
    while (ascii >= 0 && ascii < length) {
      const code = value.charCodeAt(ascii);
      if (code < 0x80) this.#buffer[at + ascii++] = code;
      else ascii = -1;
    }
    this.#at = at + (ascii < 0 ? this.#buffer.write(value, at) : length);
  }

  /** UTF-8 with a zero byte after it; a zero inside would cut it, so those are left out. */
  cstring(value: string): void {
    this.text(value.includes('\0') ? value.replaceAll('\0', '') : value);
    this.uint8(0);
  }

  /** Writes over an int32 at a place reserved before. */
  setInt32(at: number, value: number): void {
    this.#view.setInt32(at, value);
  }

  /** Leaves a gap for an int32, lets `write` follow it, and puts its length into the gap. */
  sized(write: () => void): void {
    const at = this.reserve(4);
    write();
    this.setInt32(at, this.#at - at - 4);
  }

  /** Everything written so far; the output begins anew. Whoever is done with it may `giveBack` it. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#at);
    this.#use(this.#spare ?? Buffer.allocUnsafeSlow(Math.min(this.#buffer.length, SPARE_BYTES)));
    this.#spare = undefined;
    this.#at = 0;
    return taken;
  }

  /** What was taken is used again, unless it is of an unusual size: new memory costs more than what is written into it. */
  giveBack({ buffer }: Buffer): void {
    if (buffer.byteLength <= SPARE_BYTES) this.#spare = Buffer.from(buffer);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
