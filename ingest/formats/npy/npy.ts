import { type ByteSource, memorySource } from '../bytes/byte-source.ts';
import { FormatError } from '../errors.ts';
import { type UnpickleOptions, unpickle } from '../pickle/unpickle.ts';
import type { PickleValue } from '../pickle/values.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { elementCount } from '../tensor/tensor.ts';
import { decodeFixedText } from '../tensor/type-string.ts';
import { type StoredArray, storedArray } from './array.ts';
import { type NpyHeader, readNpyHeader } from './header.ts';

/**
 * Opens an `.npy` file of numbers; reads only its header.
 * @throws FormatError `NPY_CORRUPT` | `TRUNCATED` | `UNSUPPORTED` (objects, strings: see the other functions)
 */
export async function openNpy(source: ByteSource, signal?: AbortSignal): Promise<StoredArray> {
  const header = await readNpyHeader(source, signal);
  const { type } = header;
  if (type.kind === 'object') throw objects(source);
  if (type.kind !== 'number') {
    throw new FormatError('UNSUPPORTED', `${source.name}: an array of strings (${header.descr})`, {
      where: { file: source.name },
      expected: 'an array of numbers',
    });
  }
  return storedArray(source, {
    shape: header.shape,
    type,
    order: header.order,
    dataOffset: header.dataOffset,
  });
}

/** The whole array of an `.npy` file of numbers. */
export async function readNpy(input: Uint8Array | ByteSource, signal?: AbortSignal): Promise<Tensor> {
  const source = input instanceof Uint8Array ? memorySource(input) : input;
  return (await openNpy(source, signal)).readAll(signal);
}

/** The strings (`<U…`, `|S…`) of an `.npy` file in C order. @throws FormatError */
export async function readNpyStrings(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<{ readonly shape: readonly number[]; readonly values: readonly string[] }> {
  const header = await readNpyHeader(source, signal);
  const { type, shape } = header;
  if (type.kind !== 'ucs4' && type.kind !== 'bytes') {
    throw new FormatError('UNSUPPORTED', `${source.name}: ${header.descr} is no string type`);
  }
  const count = elementCount(shape);
  const data = await readData(source, header, count * type.itemSize, signal);
  if (count > 1_000_000 + source.size)
    throw new FormatError('LIMIT', `${source.name}: ${count} empty strings`);
  if (header.order === 'F') throw new FormatError('UNSUPPORTED', `${source.name}: strings in Fortran order`);
  return { shape, values: decodeFixedText(data, type, count) };
}

/** The pickled objects of an object array (`|O`), through the allow-list. @throws FormatError */
export async function readNpyObjects(
  source: ByteSource,
  options: UnpickleOptions = {},
  signal?: AbortSignal,
): Promise<PickleValue> {
  const header = await readNpyHeader(source, signal);
  if (header.type.kind !== 'object') {
    throw new FormatError('UNSUPPORTED', `${source.name}: ${header.descr} is no object type`);
  }
  return unpickle(await readData(source, header, source.size - header.dataOffset, signal), options);
}

async function readData(source: ByteSource, header: NpyHeader, length: number, signal?: AbortSignal) {
  if (length > 2 ** 31) throw new FormatError('LIMIT', `${source.name}: ${length} bytes at once`);
  const end = header.dataOffset + length;
  if (end < source.size)
    throw new FormatError('NPY_CORRUPT', `${source.name}: ${source.size - end} bytes too many`);
  return source.read(header.dataOffset, end, signal);
}

const objects = (source: ByteSource) =>
  new FormatError('UNSUPPORTED', `${source.name} is an array of pickled Python objects (dtype object)`, {
    where: { file: source.name },
    expected: 'an array of numbers',
    remedy: 'arrays of unequal shape were saved together; save each one, or read the file as objects',
  });
