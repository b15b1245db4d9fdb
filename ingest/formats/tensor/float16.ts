import { widened } from '../../../lake/parquet/floats/floats.ts';

/** Widens IEEE binary16 bits to binary32 bits, exactly; NaN payloads and signs are kept. */
export function float16ToFloat32Bits(halves: Uint16Array, out: Uint32Array, at = 0): void {
  const bits = widened('float16');
  const n = halves.length;
  for (let i = 0; i < n; i++) out[at + i] = bits[halves[i]!]!;
}

/** Widens bfloat16 bits (the upper half of a binary32) to binary32 bits, exactly. */
export function bfloat16ToFloat32Bits(halves: Uint16Array, out: Uint32Array, at = 0): void {
  const n = halves.length;
  for (let i = 0; i < n; i++) out[at + i] = halves[i]! << 16;
}

const scalar = new Float32Array(1);
const scalarBits = new Uint32Array(scalar.buffer);

/** One binary16 value from its bits. */
export function float16ToNumber(half: number): number {
  scalarBits[0] = widened('float16')[half & 0xffff]!;
  return scalar[0]!;
}

/**
 * The binary16 bits nearest to a binary32 value (ties to even); over 65,519.99 it is an infinity.
 * NaN becomes the quiet NaN 0x7e00 with its sign.
 */
export function float32ToFloat16(value: number): number {
  scalar[0] = value;
  const bits = scalarBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent, then round the 13 dropped bits half to even.
    const rebased = magnitude - 0x38000000;
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  // Subnormal: below 2^-25 (inclusive, by ties to even) nothing is left.
  if (magnitude <= 0x33000000) return sign;
  const exponent = magnitude >>> 23;
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const drop = 126 - exponent;
  const kept = fraction >>> drop;
  const rest = fraction & ((1 << drop) - 1);
  const half = 1 << (drop - 1);
  return sign | (rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept);
}

/** `float32ToFloat16` for a whole array. */
export function float32ToFloat16Array(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = float32ToFloat16(values[i]!);
  return out;
}
