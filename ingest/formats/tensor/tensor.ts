import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { Floats } from '../../../lake/parquet/floats/floats.ts';
import { FormatError } from '../errors.ts';
import { type DType, itemSize } from './dtype.ts';
import { byteWriter, float32Writer, float64Writer } from './elements.ts';
import { gather } from './gather.ts';

/** How many elements a tensor may have beyond those of its storage (`expand` repeats one without storing it). */
const maxRepeated = 16 * 1024 * 1024;
const maxRank = 64;

type Run = (data: Uint8Array, start: number, count: number, at: number) => void;

export interface TensorInit {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Little-endian elements; the whole storage, which the view may cover in part. Never copied. */
  readonly data: Uint8Array;
  /** In elements, not bytes. Default 0. */
  readonly offset?: number;
  /** In elements, not bytes; not negative. Default: C order. */
  readonly strides?: readonly number[];
}

/** Strides of a contiguous array, in elements. */
export function contiguousStrides(shape: readonly number[], order: 'C' | 'F' = 'C'): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = 0; i < shape.length; i++) {
    const axis = order === 'C' ? shape.length - 1 - i : i;
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** Product of the extents. @throws FormatError `LIMIT` when it is no exact integer, or an extent is none */
export function elementCount(shape: readonly number[]): number {
  if (shape.length > maxRank) throw new FormatError('LIMIT', `an array of ${shape.length} dimensions`);
  let count = 1;
  let product = 1;
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new FormatError('LIMIT', `an array cannot have the shape (${shape.join(', ')})`);
    }
    count *= extent;
    product *= Math.max(extent, 1);
  }
  if (!Number.isSafeInteger(product)) {
    throw new FormatError('LIMIT', `an array of shape (${shape.join(', ')}) is too large`);
  }
  return count;
}

/**
 * A strided, read-only view of little-endian elements. Making one, and every view of one, copies nothing.
 * @throws FormatError `LIMIT` | `TRUNCATED` from the constructor when shape, strides and storage do not fit together
 */
export class Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly data: Uint8Array;
  /** Number of elements. */
  readonly numel: number;

  constructor(init: TensorInit) {
    this.dtype = init.dtype;
    this.shape = init.shape;
    this.data = init.data;
    this.offset = init.offset ?? 0;
    this.numel = elementCount(init.shape);
    this.strides = init.strides ?? contiguousStrides(init.shape);
    checkBounds(this);
  }

  /** True when the elements lie one after another in C order. */
  get contiguous(): boolean {
    return innerRun(this).axis === 0;
  }

  /** The view with one axis fixed; negative indices are not accepted. */
  select(axis: number, index: number): Tensor {
    const part = this.narrow(axis, index, 1);
    return this.with(part.offset, drop(this.shape, axis), drop(this.strides, axis));
  }

  /** The view of `length` steps from `start` along an axis. */
  narrow(axis: number, start: number, length: number): Tensor {
    const extent = this.shape[axis];
    if (extent === undefined || !(start >= 0 && length >= 0 && start + length <= extent)) {
      throw new InvalidArgumentError(
        `no elements [${start}, ${start + length}) on axis ${axis} of (${this.shape})`,
      );
    }
    const offset = length === 0 ? this.offset : this.offset + start * this.strides[axis]!;
    return this.with(offset, this.shape.with(axis, length), this.strides);
  }

  /** Views along the first axis, in order. */
  *rows(): Generator<Tensor> {
    for (let i = 0; i < (this.shape[0] ?? 0); i++) yield this.select(0, i);
  }

  /**
   * Elements in C order. Exact for float16, bfloat16, float32 and small integers; float64 and larger integers
   * are rounded to nearest. May share memory with the tensor (contiguous float32): do not write to it.
   */
  toFloat32(): Float32Array {
    const start = this.data.byteOffset + this.offset * 4;
    if (this.dtype === 'float32' && start % 4 === 0 && this.contiguous) {
      return new Float32Array(this.data.buffer, start, this.numel);
    }
    const out = new Float32Array(this.numel);
    forEachRun(this, float32Writer(this.dtype, out));
    return out;
  }

  /** Elements in C order: 16-bit floats as they are, others as `toFloat32` has them. May share memory as it does. */
  toFloats(): Floats {
    const format = this.dtype;
    if (format !== 'float16' && format !== 'bfloat16') return this.toFloat32();
    return { format, bytes: this.toBytes() };
  }

  /** Elements in C order; exact but for 64-bit integers beyond 2^53. Always a copy. */
  toFloat64(): Float64Array {
    const out = new Float64Array(this.numel);
    forEachRun(this, float64Writer(this.dtype, out));
    return out;
  }

  /** The elements' own little-endian bytes in C order: a view when contiguous, else a copy. */
  toBytes(): Uint8Array {
    const width = itemSize(this.dtype);
    if (this.contiguous) {
      return this.data.subarray(this.offset * width, (this.offset + this.numel) * width);
    }
    const out = new Uint8Array(this.numel * width);
    forEachRun(this, byteWriter(this.dtype, out));
    return out;
  }

  /** Elements in C order as numbers. @throws FormatError `BAD_NUMBER` for a 64-bit integer beyond 2^53 */
  toNumbers(): number[] {
    const values = Array.from(this.toFloat64());
    if (this.dtype === 'int64' || this.dtype === 'uint64') {
      const unsafe = values.findIndex((value) => !Number.isSafeInteger(value));
      if (unsafe >= 0) {
        throw new FormatError('BAD_NUMBER', `element ${unsafe} is an integer beyond 2^53: ${values[unsafe]}`);
      }
    }
    return values;
  }

  /** Elements of an integer or bool tensor in C order. @throws InvalidArgumentError for a float tensor */
  toBigInts(): bigint[] {
    if (this.dtype.includes('float'))
      throw new InvalidArgumentError(`a ${this.dtype} tensor has no integers`);
    if (this.dtype !== 'int64' && this.dtype !== 'uint64') return Array.from(this.toFloat64(), BigInt);
    const bytes = new Uint8Array(this.toBytes());
    return Array.from(
      this.dtype === 'int64' ? new BigInt64Array(bytes.buffer) : new BigUint64Array(bytes.buffer),
    );
  }

  private with(offset: number, shape: readonly number[], strides: readonly number[]): Tensor {
    return new Tensor({ dtype: this.dtype, data: this.data, offset, shape, strides });
  }
}

const drop = (values: readonly number[], axis: number) => values.toSpliced(axis, 1);

function checkBounds(t: Tensor): void {
  const width = itemSize(t.dtype);
  const stored = Math.floor(t.data.length / width);
  if (t.strides.length !== t.shape.length) {
    throw new FormatError('LIMIT', `${t.strides.length} strides for ${t.shape.length} dimensions`);
  }
  let last = t.offset;
  if (!Number.isSafeInteger(last) || last < 0) throw new FormatError('LIMIT', `a storage offset of ${last}`);
  for (let axis = 0; axis < t.shape.length; axis++) {
    const stride = t.strides[axis]!;
    if (!Number.isSafeInteger(stride) || stride < 0) throw new FormatError('LIMIT', `a stride of ${stride}`);
    if (t.numel > 0) last += (t.shape[axis]! - 1) * stride;
  }
  if (t.numel > 0 && !(last < stored)) {
    throw new FormatError(
      'TRUNCATED',
      `a ${t.dtype} tensor of shape (${t.shape.join(', ')}) reaches element ${last} of a storage of ${stored}`,
      { expected: `at least ${(last + 1) * width} bytes of data` },
    );
  }
  if (t.numel > stored && t.numel > maxRepeated) {
    throw new FormatError(
      'LIMIT',
      `a view of ${t.numel} elements repeats a storage of only ${stored} elements`,
    );
  }
}

/** The longest suffix of axes that is contiguous: it begins at `axis` and has `length` elements. */
function innerRun(t: Tensor): { axis: number; length: number } {
  let length = 1;
  let axis = t.shape.length;
  while (axis > 0) {
    const extent = t.shape[axis - 1]!;
    if (extent !== 1 && t.strides[axis - 1] !== length) break;
    length *= extent;
    axis--;
  }
  return { axis, length };
}

/** Calls `write` with every contiguous run of the storage, in C order of the view. */
function forEachRun(t: Tensor, write: Run): void {
  if (t.numel === 0) return;
  const { axis: outer, length } = innerRun(t);
  // A call for every few elements would cost more than bringing them together first (a transposed matrix).
  if (length < 16 && t.numel > 16) {
    write(gather(t.data, itemSize(t.dtype), t.offset, t.shape, t.strides), 0, t.numel, 0);
    return;
  }
  const index = new Array<number>(outer).fill(0);
  let position = t.offset;
  for (let at = 0; at < t.numel; at += length) {
    write(t.data, position, length, at);
    for (let axis = outer - 1; axis >= 0; axis--) {
      position += t.strides[axis]!;
      if (++index[axis]! < t.shape[axis]!) break;
      position -= t.shape[axis]! * t.strides[axis]!;
      index[axis] = 0;
    }
  }
}
