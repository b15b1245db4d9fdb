import { float32ToFloat16 } from '../tensor/float16.ts';
import { corrupt, unsupported } from './errors.ts';
import type { ZarrType } from './model.ts';

const named: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/**
 * The value of chunks that do not exist, as one little-endian element, or text for strings. null (undefined in
 * format 2) is zero. Floats may be "NaN", "Infinity", "-Infinity" or their bits in hexadecimal.
 * @throws FormatError `ZARR_CORRUPT` | `UNSUPPORTED`
 */
export function fillElement(key: string, type: ZarrType, value: unknown): Uint8Array | string {
  if (type.kind !== 'number') return fillText(key, value);
  const bytes = new Uint8Array(type.itemSize);
  if (value === null || value === undefined) return bytes;
  const view = new DataView(bytes.buffer);
  const { dtype } = type;
  if (dtype === 'bool') {
    if (typeof value !== 'boolean' && value !== 0 && value !== 1)
      throw corrupt(key, 'a fill value that is no bool');
    bytes[0] = value === true || value === 1 ? 1 : 0;
    return bytes;
  }
  if (!dtype.includes('float')) {
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw corrupt(key, 'a fill value that is no integer');
    if (!Number.isSafeInteger(value)) throw unsupported(key, `a fill value of ${value}, beyond 2^53,`);
    const big = BigInt.asUintN(type.itemSize * 8, BigInt(value));
    for (let i = 0; i < bytes.length; i++) bytes[i] = Number((big >> BigInt(8 * i)) & 0xffn);
    return bytes;
  }
  if (typeof value === 'string' && /^0x[0-9a-fA-F]+$/.test(value)) {
    const bits = Buffer.from(value.slice(2), 'hex');
    if (value.length !== 2 + 2 * bytes.length) throw corrupt(key, `a fill value of ${value} for ${dtype}`);
    return bytes.map((_, i) => bits[bytes.length - 1 - i]!);
  }
  const number = typeof value === 'string' && Object.hasOwn(named, value) ? named[value] : value;
  if (typeof number !== 'number') throw corrupt(key, 'a fill value that is no number');
  if (dtype === 'float64') view.setFloat64(0, number, true);
  else if (dtype === 'float32') view.setFloat32(0, number, true);
  else if (dtype === 'float16') view.setUint16(0, float32ToFloat16(number), true);
  else {
    const wide = new DataView(new ArrayBuffer(4));
    wide.setFloat32(0, number);
    view.setUint16(0, wide.getUint16(0), true);
  }
  return bytes;
}

function fillText(key: string, value: unknown): string {
  if (value === null || value === undefined || value === 0) return '';
  if (typeof value === 'string') return value;
  throw corrupt(key, 'a fill value that is no text');
}
