import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { FormatError } from '../errors.ts';
import { type DType, itemSize } from '../tensor/dtype.ts';
import { contiguousStrides, elementCount, Tensor } from '../tensor/tensor.ts';
import { type ElementType, toLittleEndian } from '../tensor/type-string.ts';

/** An array of numbers in a file, of which parts can be read without the rest. */
export interface StoredArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Bytes of one step along the first axis. */
  readonly rowBytes: number;
  /** Rows `[start, end)` along the first axis. Reads only their bytes (of a Fortran-order file: the whole file). */
  readRows(start: number, end: number, signal?: AbortSignal): Promise<Tensor>;
  /** The sub-array at fixed leading indices, e.g. `[row, layer]` of a 4-D array is 2-D. Reads only its bytes. */
  readAt(leading: readonly number[], signal?: AbortSignal): Promise<Tensor>;
  /** The whole array. @throws FormatError `LIMIT` when it has more than `maxBytes` (default 2 GiB) */
  readAll(signal?: AbortSignal, maxBytes?: number): Promise<Tensor>;
}

export interface ArrayLayout {
  readonly shape: readonly number[];
  readonly type: ElementType & { readonly kind: 'number' };
  readonly order: 'C' | 'F';
  readonly dataOffset: number;
}

/**
 * A headerless dump (numpy.memmap): C order, little-endian, and exactly as long as its shape says.
 * @throws FormatError `TRUNCATED` | `NPY_CORRUPT` when the size differs
 */
export function rawArray(source: ByteSource, dtype: DType, shape: readonly number[]): StoredArray {
  const width = itemSize(dtype);
  const type = { kind: 'number', dtype, itemSize: width, bigEndian: false } as const;
  return storedArray(source, { shape, type, order: 'C', dataOffset: 0 });
}

/** @throws FormatError `TRUNCATED` | `NPY_CORRUPT` when the file's size does not fit the shape */
export function storedArray(source: ByteSource, layout: ArrayLayout): StoredArray {
  const { shape, type, order, dataOffset } = layout;
  const width = type.itemSize;
  const total = elementCount(shape) * width;
  checkSize(source, dataOffset + total, shape, type.dtype);

  const tensor = (bytes: Uint8Array, part: readonly number[], strides = contiguousStrides(part)) =>
    new Tensor({ dtype: type.dtype, shape: part, strides, data: toLittleEndian(bytes, type) });

  async function readAll(signal?: AbortSignal, maxBytes = 2 ** 31): Promise<Tensor> {
    if (total > maxBytes) {
      throw new FormatError('LIMIT', `${source.name}: an array of ${total} bytes at once`, {
        expected: `at most ${maxBytes} bytes`,
      });
    }
    const bytes = await source.read(dataOffset, dataOffset + total, signal);
    return tensor(bytes, shape, contiguousStrides(shape, order));
  }

  async function readRange(leading: readonly number[], count: number, signal?: AbortSignal): Promise<Tensor> {
    const axis = leading.length - 1;
    checkIndices(leading, count, shape);
    if (order === 'F') {
      let part = await readAll(signal);
      for (const index of leading.slice(0, axis)) part = part.select(0, index);
      return part.narrow(0, leading[axis]!, count);
    }
    const strides = contiguousStrides(shape);
    const first = leading.reduce((sum, index, i) => sum + index * strides[i]!, 0);
    const part = [count, ...shape.slice(axis + 1)];
    const start = dataOffset + first * width;
    const bytes = await source.read(start, start + elementCount(part) * width, signal);
    return tensor(bytes, part);
  }

  return {
    dtype: type.dtype,
    shape,
    rowBytes: elementCount(shape.slice(1)) * width,
    readRows: (start, end, signal) => readRange([start], end - start, signal),
    readAt: async (leading, signal) => {
      if (leading.length === 0) return readAll(signal);
      return (await readRange(leading, 1, signal)).select(0, 0);
    },
    readAll,
  };
}

function checkSize(source: ByteSource, expected: number, shape: readonly number[], dtype: DType): void {
  if (source.size === expected) return;
  const message = `${source.name} has ${source.size} bytes; ${dtype} of shape (${shape.join(', ')}) needs ${expected}`;
  throw new FormatError(source.size < expected ? 'TRUNCATED' : 'NPY_CORRUPT', message, {
    where: { file: source.name },
    byteOffset: Math.min(source.size, expected),
    expected: `exactly ${expected} bytes`,
  });
}

function checkIndices(leading: readonly number[], count: number, shape: readonly number[]): void {
  const axis = leading.length - 1;
  const fits = leading.every((index, i) => {
    const steps = i === axis ? count : 1;
    const extent = shape[i] ?? -1;
    return Number.isInteger(index) && index >= 0 && steps >= 0 && index + steps <= extent;
  });
  if (!fits || axis >= shape.length) {
    throw new InvalidArgumentError(`no elements [${leading.join(', ')}] + ${count} in (${shape.join(', ')})`);
  }
}
