import { FormatError } from '../errors.ts';
import { corrupt, overLimit } from './errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Longest line of a text opcode, and longest integer, in bytes: no honest pickle comes near. */
const maxLine = 16_384;
const maxInteger = 4_096;

/** Reads the operands of opcodes. Every length is checked against what is left before anything is made. */
export class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private advance(count: number): number {
    const start = this.at;
    if (count > this.bytes.length - start) {
      throw new FormatError(
        'TRUNCATED',
        `the pickle needs ${count} bytes at byte ${start} but ends after ${this.bytes.length}`,
        { byteOffset: start, remedy: 'the file was probably cut off while it was written or transferred' },
      );
    }
    this.at = start + count;
    return start;
  }

  u8(): number {
    return this.bytes[this.advance(1)]!;
  }

  u16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  i32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  /** An 8-byte length. */
  u64(): number {
    const start = this.advance(8);
    const value = this.view.getUint32(start, true) + this.view.getUint32(start + 4, true) * 2 ** 32;
    if (!Number.isSafeInteger(value)) throw corrupt(`a length of ${value}`, start);
    return value;
  }

  f64(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  /** A view of the input, not a copy. */
  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /** Up to the next line feed, which is consumed. */
  line(): Uint8Array {
    const start = this.at;
    const end = this.bytes.subarray(start, start + maxLine).indexOf(10);
    if (end < 0) throw corrupt('a line without an end', start);
    this.at = start + end + 1;
    return this.bytes.subarray(start, start + end);
  }

  /** UTF-8 text as Python writes it: a lone surrogate is three bytes. */
  text(length: number): string {
    const start = this.at;
    return decodeText(this.take(length), start);
  }

  /** A two's-complement little-endian integer. */
  integer(length: number): number | bigint {
    const start = this.at;
    if (length < 0) throw corrupt('an integer of negative length', start);
    if (length > maxInteger) throw overLimit(`an integer of ${length} bytes`, start);
    const bytes = this.take(length);
    if (length === 0) return 0;
    let hex = '';
    for (let i = length - 1; i >= 0; i--) hex += bytes[i]!.toString(16).padStart(2, '0');
    return narrow(BigInt.asIntN(length * 8, BigInt(`0x${hex}`)));
  }
}

/** A number where that is exact. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Longest text, in bytes: half of what the engine can hold. */
const maxText = 256 * 1024 * 1024;

/** Latin-1 text of bytes. */
export function latin1(bytes: Uint8Array): string {
  if (bytes.length > maxText) throw overLimit(`a text of ${bytes.length} bytes`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Keys of dicts are short, and calling the decoder would cost more than this loop. */
function shortAscii(bytes: Uint8Array): string | undefined {
  if (bytes.length > 24) return undefined;
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** UTF-8 as text, as Python writes it (lone surrogates survive). @throws FormatError */
export function decodeText(bytes: Uint8Array, at: number): string {
  const short = shortAscii(bytes);
  if (short !== undefined) return short;
  if (bytes.length > maxText) throw overLimit(`a text of ${bytes.length} bytes`, at);
  try {
    return utf8.decode(bytes);
  } catch {
    return withSurrogates(bytes, at);
  }
}

/** UTF-8 with lone surrogates encoded as ED A0..BF xx; anything else that is not UTF-8 is an error. */
function withSurrogates(bytes: Uint8Array, at: number): string {
  let text = '';
  let from = 0;
  const flush = (to: number) => {
    try {
      text += utf8.decode(bytes.subarray(from, to));
    } catch (cause) {
      throw new FormatError('NON_UTF8', `text that is not UTF-8 at byte ${at}`, { byteOffset: at, cause });
    }
  };
  for (let i = 0; i + 2 < bytes.length; i++) {
    if (bytes[i] !== 0xed || bytes[i + 1]! < 0xa0 || bytes[i + 1]! > 0xbf) continue;
    flush(i);
    text += String.fromCharCode(0xd000 | ((bytes[i + 1]! & 0x3f) << 6) | (bytes[i + 2]! & 0x3f));
    from = i + 3;
    i += 2;
  }
  flush(bytes.length);
  return text;
}
