import { type DType, itemSize } from './dtype.ts';
import { bfloat16ToFloat32Bits, float16ToFloat32Bits } from './float16.ts';

/** Elements converted at a time when they must first be copied to an aligned place. */
const block = 32_768;

/** The bytes of `count` elements from `start` at an aligned address: a view where possible, else a copy. */
function aligned(data: Uint8Array, width: number, start: number, count: number): Uint8Array {
  const from = start * width;
  const bytes = data.subarray(from, from + count * width);
  return bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
}

type IntegerView = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

function integerView(dtype: DType, bytes: Uint8Array, count: number): IntegerView | undefined {
  const { buffer, byteOffset } = bytes;
  switch (dtype) {
    case 'int8':
      return new Int8Array(buffer, byteOffset, count);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer, byteOffset, count);
    case 'int16':
      return new Int16Array(buffer, byteOffset, count);
    case 'uint16':
      return new Uint16Array(buffer, byteOffset, count);
    case 'int32':
      return new Int32Array(buffer, byteOffset, count);
    case 'uint32':
      return new Uint32Array(buffer, byteOffset, count);
    default:
      return undefined;
  }
}

type Run = (data: Uint8Array, start: number, count: number, at: number) => void;

function inBlocks(width: number, convert: (bytes: Uint8Array, count: number, at: number) => void): Run {
  return (data, start, count, at) => {
    // Aligned input needs no copy, so it is converted in one piece.
    const step = (data.byteOffset + start * width) % width === 0 ? count : block;
    for (let done = 0; done < count; done += step) {
      const part = Math.min(step, count - done);
      convert(aligned(data, width, start + done, part), part, at + done);
    }
  };
}

/** Copies runs of little-endian elements into `out` as float32; float64 and wide integers are rounded to nearest. */
export function float32Writer(dtype: DType, out: Float32Array): Run {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  return inBlocks(itemSize(dtype), (bytes, count, at) => {
    const { buffer, byteOffset } = bytes;
    switch (dtype) {
      case 'float16':
        return float16ToFloat32Bits(new Uint16Array(buffer, byteOffset, count), bits, at);
      case 'bfloat16':
        return bfloat16ToFloat32Bits(new Uint16Array(buffer, byteOffset, count), bits, at);
      case 'float32':
        // Through integers, so that NaN payloads survive.
        return bits.set(new Uint32Array(buffer, byteOffset, count), at);
      case 'float64':
        return out.set(new Float64Array(buffer, byteOffset, count), at);
      case 'int64':
        return wide(new BigInt64Array(buffer, byteOffset, count), out, at);
      case 'uint64':
        return wide(new BigUint64Array(buffer, byteOffset, count), out, at);
      default:
        return out.set(integerView(dtype, bytes, count)!, at);
    }
  });
}

/** Copies runs of little-endian elements into `out` as float64; exact but for 64-bit integers beyond 2^53. */
export function float64Writer(dtype: DType, out: Float64Array): Run {
  if (dtype === 'float16' || dtype === 'bfloat16' || dtype === 'float32') {
    return (data, start, count, at) => {
      const single = new Float32Array(count);
      float32Writer(dtype, single)(data, start, count, 0);
      out.set(single, at);
    };
  }
  return inBlocks(itemSize(dtype), (bytes, count, at) => {
    const { buffer, byteOffset } = bytes;
    if (dtype === 'float64') return out.set(new Float64Array(buffer, byteOffset, count), at);
    if (dtype === 'int64') return wide(new BigInt64Array(buffer, byteOffset, count), out, at);
    if (dtype === 'uint64') return wide(new BigUint64Array(buffer, byteOffset, count), out, at);
    out.set(integerView(dtype, bytes, count)!, at);
  });
}

function wide(values: BigInt64Array | BigUint64Array, out: Float32Array | Float64Array, at: number): void {
  for (let i = 0; i < values.length; i++) out[at + i] = Number(values[i]!);
}

/** Copies runs of bytes unchanged. */
export function byteWriter(dtype: DType, out: Uint8Array): Run {
  const width = itemSize(dtype);
  return (data, start, count, at) =>
    out.set(data.subarray(start * width, (start + count) * width), at * width);
}
