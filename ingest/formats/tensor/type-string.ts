import { FormatError } from '../errors.ts';
import { type DType, swapBytes } from './dtype.ts';

/** What an array-protocol type string such as `<f2`, `|b1`, `<U64` or `|O` says about the elements. */
export type ElementType =
  | { readonly kind: 'number'; readonly dtype: DType; readonly itemSize: number; readonly bigEndian: boolean }
  | { readonly kind: 'ucs4' | 'bytes'; readonly itemSize: number; readonly bigEndian: boolean }
  | { readonly kind: 'object'; readonly itemSize: 8; readonly bigEndian: false };

const numbers: Readonly<Record<string, DType>> = {
  b1: 'bool',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

/** Longest fixed-width string, in bytes. */
const maxText = 1 << 20;

/** Undefined for what Runlake does not read (complex, dates, structures, long double). */
export function parseTypeString(text: string): ElementType | undefined {
  const match = /^([<>=|]?)([a-zA-Z])(\d{0,9})$/.exec(text);
  if (match === null) return undefined;
  const [, order = '', kind = '', digits = ''] = match;
  const bigEndian = order === '>';
  if (kind === 'O') return { kind: 'object', itemSize: 8, bigEndian: false };
  const size = Number(digits);
  if (digits === '') return undefined;
  if (kind === 'U' && size * 4 <= maxText) return { kind: 'ucs4', itemSize: size * 4, bigEndian };
  if (kind === 'S' && size <= maxText) return { kind: 'bytes', itemSize: size, bigEndian: false };
  const dtype = Object.hasOwn(numbers, kind + digits) ? numbers[kind + digits] : undefined;
  return dtype === undefined
    ? undefined
    : { kind: 'number', dtype, itemSize: size, bigEndian: bigEndian && size > 1 };
}

/** Elements as little-endian bytes; the input itself where it is that already. */
export function toLittleEndian(bytes: Uint8Array, type: ElementType): Uint8Array {
  if (!type.bigEndian) return bytes;
  return swapBytes(bytes, type.kind === 'ucs4' ? 4 : type.itemSize);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Fixed-width strings in storage order, without their trailing NULs.
 * @throws FormatError `NON_UTF8` for an impossible code point or a byte string that is not UTF-8
 */
export function decodeFixedText(
  bytes: Uint8Array,
  type: ElementType & { kind: 'ucs4' | 'bytes' },
  count: number,
): string[] {
  if (type.itemSize === 0) return new Array<string>(count).fill('');
  const data = toLittleEndian(bytes, type);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const out = new Array<string>(count);
  for (let i = 0; i < count; i++) {
    const start = i * type.itemSize;
    out[i] =
      type.kind === 'ucs4'
        ? ucs4(view, start, start + type.itemSize)
        : byteText(data.subarray(start, start + type.itemSize), i);
  }
  return out;
}

function ucs4(view: DataView, start: number, end: number): string {
  let stop = end;
  while (stop > start && view.getUint32(stop - 4, true) === 0) stop -= 4;
  let text = '';
  for (let at = start; at < stop; at += 4) {
    const point = view.getUint32(at, true);
    if (point > 0x10ffff) {
      throw new FormatError('NON_UTF8', `U+${point.toString(16)} is no Unicode code point`, {
        byteOffset: at,
      });
    }
    text += String.fromCodePoint(point);
  }
  return text;
}

function byteText(bytes: Uint8Array, index: number): string {
  let stop = bytes.length;
  while (stop > 0 && bytes[stop - 1] === 0) stop--;
  try {
    return utf8.decode(bytes.subarray(0, stop));
  } catch (cause) {
    throw new FormatError('NON_UTF8', `byte string ${index} of the array is not UTF-8`, { cause });
  }
}
