/** 16-bit formats of floats: IEEE 754 binary16, and the upper half of a binary32. */
export type HalfFormat = 'float16' | 'bfloat16';

/** 16-bit floats, for which JavaScript has no array. */
export interface Halves {
  readonly format: HalfFormat;
  /** Little-endian; artifacts do not care where in memory they come to lie, so neither does this. */
  readonly bytes: Uint8Array;
}

/** Floats in the narrowest form that holds them: nothing is widened before it must be. */
export type Floats = Float32Array | Halves;

function float16Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // A subnormal half is a normal binary32: shift the leading one out of the fraction.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | ((fraction << (shift + 13)) & 0x7fffff)) >>> 0;
}

const binary32: Readonly<Record<HalfFormat, (half: number) => number>> = {
  float16: float16Bits,
  bfloat16: (half) => (half << 16) >>> 0,
};

const tables = new Map<HalfFormat, Uint32Array>();

/**
 * The binary32 bits of all 65,536 values of a format, by their own bits: exact, with NaN payloads and signs. Made on
 * first use (256 KiB).
 */
export function widened(format: HalfFormat): Uint32Array {
  let table = tables.get(format);
  if (table === undefined) {
    table = Uint32Array.from({ length: 65_536 }, (_, half) => binary32[format](half));
    tables.set(format, table);
  }
  return table;
}

/** How many numbers there are. */
export function floatCount(values: Floats): number {
  return values instanceof Float32Array ? values.length : values.bytes.length / 2;
}

/** The bits of halves, which may share their memory. */
export function halfBits({ bytes }: Halves): Uint16Array {
  const { buffer, byteOffset } = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(buffer, byteOffset, bytes.length / 2);
}

/** A copy of the values `[start, end)`. */
export function sliceFloats(values: Floats, start: number, end?: number): Floats {
  if (values instanceof Float32Array) return values.slice(start, end);
  const { format, bytes } = values;
  return { format, bytes: bytes.slice(2 * start, end === undefined ? end : 2 * end) };
}

/** The values as binary32; they may share memory. */
export function toFloat32(values: Floats): Float32Array {
  if (values instanceof Float32Array) return values;
  const bits = halfBits(values);
  const table = widened(values.format);
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < out.length; i++) out[i] = table[bits[i]!]!;
  return new Float32Array(out.buffer);
}

/** All values one after another, in memory of their own; widened only where the parts differ in format. */
export function joinFloats(parts: readonly Floats[]): Floats {
  const length = parts.reduce((sum, part) => sum + floatCount(part), 0);
  const [first] = parts;
  if (first === undefined || first instanceof Float32Array) return join32(parts, length);
  const { format } = first;
  const bytes = new Uint8Array(2 * length);
  let at = 0;
  for (const part of parts) {
    if (part instanceof Float32Array || part.format !== format) return join32(parts, length);
    bytes.set(part.bytes, at);
    at += part.bytes.length;
  }
  return { format, bytes };
}

function join32(parts: readonly Floats[], length: number): Float32Array {
  const all = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(toFloat32(part), at);
    at += floatCount(part);
  }
  return all;
}
