/** Texts of this length are written faster here than by the runtime, which has to be called for it. */
const SHORT = 48;

/** A buffer that grows: many small values are written into it, and it is handed on as one piece. */
export class Output {
  #buffer: Buffer;
  #at = 0;

  constructor(capacity = 1024) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#at;
  }

  /** Makes room and answers where it begins. */
  reserve(bytes: number): number {
    const at = this.#at;
    const needed = at + bytes;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#at = needed;
    return at;
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
    this.#buffer.writeInt32BE(value, at);
  }

  uint32(value: number): void {
    const at = this.reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  int64(value: bigint): void {
    const at = this.reserve(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  float32(value: number): void {
    const at = this.reserve(4);
    this.#buffer.writeFloatBE(value, at);
  }

  float64(value: number): void {
    const at = this.reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  bytes(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.#buffer.set(value, at);
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
    this.#buffer.writeInt32BE(value, at);
  }

  /** Leaves a gap for an int32, lets `write` follow it, and puts its length into the gap. */
  sized(write: () => void): void {
    const at = this.reserve(4);
    write();
    this.setInt32(at, this.#at - at - 4);
  }

  /** Everything written so far; the buffer begins anew. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#at);
    this.#buffer = Buffer.allocUnsafe(Math.max(1024, Math.min(taken.length, 1 << 18)));
    this.#at = 0;
    return taken;
  }
}
