import type { CallOptions } from '../../../lake/store/object-store.ts';
import { FormatError } from '../errors.ts';
import { elementCount, Tensor } from '../tensor/tensor.ts';
import { type ElementType, toLittleEndian } from '../tensor/type-string.ts';
import type { ChunkSource } from './chunks.ts';
import { decodeBytes } from './codecs.ts';
import { corrupt } from './errors.ts';
import type { ChunkEncoding } from './model.ts';
import { type AxisRange, extentOf } from './region.ts';

/** A part that is read as one range may drag along this many times its size, or this many bytes. */
const maxWaste = 4;
const cheapBytes = 1024 * 1024;

/** Strides of a stored chunk, in elements. */
export function chunkStrides(encoding: ChunkEncoding): number[] {
  const strides = new Array<number>(encoding.chunkShape.length);
  let step = 1;
  for (const axis of encoding.axisOrder.toReversed()) {
    strides[axis] = step;
    step *= encoding.chunkShape[axis]!;
  }
  return strides;
}

/** Reads parts of chunks of fixed-size elements as little-endian bytes in C order. */
export interface PartReader {
  /** Undefined when the chunk does not exist. */
  read(
    coordinates: readonly number[],
    part: readonly AxisRange[],
    options?: CallOptions,
  ): Promise<Uint8Array | undefined>;
}

/** Uncompressed chunks: fetches only the bytes of the part, however large the chunk is. */
export function plainReader(source: ChunkSource, encoding: ChunkEncoding, type: ElementType): PartReader {
  const strides = chunkStrides(encoding);
  const width = type.itemSize;
  const chunkBytes = elementCount(encoding.chunkShape) * width;

  async function read(
    coordinates: readonly number[],
    part: readonly AxisRange[],
    options?: CallOptions,
  ): Promise<Uint8Array | undefined> {
    const shape = part.map(extentOf);
    const wanted = elementCount(shape) * width;
    const first = part.reduce((sum, range, axis) => sum + range.start * strides[axis]!, 0) * width;
    const end = (part.reduce((sum, range, axis) => sum + (range.end - 1) * strides[axis]!, 0) + 1) * width;
    if (end - first > Math.max(cheapBytes, maxWaste * wanted)) return split(coordinates, part, options);
    // One byte more of a whole chunk shows an object that is too long.
    const stop = wanted === chunkBytes ? end + 1 : end;
    const bytes = await source.read(coordinates, { start: first, end: stop }, options);
    if (bytes === undefined) return undefined;
    if (bytes.length !== end - first)
      throw wrongSize(source.keyOf(coordinates), chunkBytes, first + bytes.length);
    return inOrder(bytes, type, shape, strides);
  }

  /** Reads step by step along the slowest axis that has more than one step. */
  async function split(coordinates: readonly number[], part: readonly AxisRange[], options?: CallOptions) {
    const axis = encoding.axisOrder.find((candidate) => extentOf(part[candidate]!) > 1)!;
    const { start, end } = part[axis]!;
    const pieces: Tensor[] = [];
    const pieceShape = part.with(axis, { start, end: start + 1 }).map(extentOf);
    for (let i = start; i < end; i++) {
      const bytes = await read(coordinates, part.with(axis, { start: i, end: i + 1 }), options);
      if (bytes === undefined) return undefined;
      pieces.push(new Tensor({ dtype: 'uint8', shape: [...pieceShape, width], data: bytes }));
    }
    return interleave(pieces, axis);
  }

  return { read };
}

/** Joins arrays of one step along an axis, in C order. */
function interleave(pieces: readonly Tensor[], axis: number): Uint8Array {
  const shape = pieces[0]!.shape;
  const run = shape.slice(axis).reduce((a, b) => a * b, 1);
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const out = new Uint8Array(run * outer * pieces.length);
  let at = 0;
  for (let i = 0; i < outer; i++) {
    for (const piece of pieces) {
      out.set(piece.data.subarray(i * run, (i + 1) * run), at);
      at += run;
    }
  }
  return out;
}

/** Strided elements of any fixed size as little-endian bytes in C order. */
function inOrder(
  bytes: Uint8Array,
  type: ElementType,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  const data = toLittleEndian(bytes, type);
  if (type.kind === 'number') return new Tensor({ dtype: type.dtype, data, shape, strides }).toBytes();
  // Strings go the same way as bytes with one more axis.
  const width = type.itemSize;
  const byteStrides = [...strides.map((stride) => stride * width), 1];
  return new Tensor({ dtype: 'uint8', data, shape: [...shape, width], strides: byteStrides }).toBytes();
}

/** Compressed chunks: decodes whole chunks and keeps the latest ones. */
export function codedReader(
  source: ChunkSource,
  encoding: ChunkEncoding,
  type: ElementType,
  limits: { readonly maxChunkBytes: number; readonly cacheBytes: number },
): PartReader {
  const strides = chunkStrides(encoding);
  const width = type.itemSize;
  const chunkBytes = elementCount(encoding.chunkShape) * width;
  const cache = new Map<string, Uint8Array>();
  let cached = 0;

  async function decoded(coordinates: readonly number[], options?: CallOptions) {
    const name = coordinates.join();
    const known = cache.get(name);
    if (known !== undefined) return known;
    const key = source.keyOf(coordinates);
    if (chunkBytes > limits.maxChunkBytes) {
      throw new FormatError('LIMIT', `${key}: compressed chunks of ${chunkBytes} bytes`, {
        expected: `at most ${limits.maxChunkBytes} bytes a chunk`,
        remedy: 'write the array again with smaller chunks',
      });
    }
    const encoded = await readEncoded(source, coordinates, chunkBytes, options);
    if (encoded === undefined) return undefined;
    const bytes = await decodeBytes(key, encoded, encoding.bytesCodecs, chunkBytes);
    if (bytes.length !== chunkBytes) throw wrongSize(key, chunkBytes, bytes.length);
    if (chunkBytes <= limits.cacheBytes && !cache.has(name)) {
      cache.set(name, bytes);
      cached += chunkBytes;
      for (const oldest of cache.keys()) {
        if (cached <= limits.cacheBytes) break;
        cache.delete(oldest);
        cached -= chunkBytes;
      }
    }
    return bytes;
  }

  return {
    async read(coordinates, part, options) {
      const bytes = await decoded(coordinates, options);
      if (bytes === undefined) return undefined;
      const first = part.reduce((sum, range, axis) => sum + range.start * strides[axis]!, 0) * width;
      return inOrder(bytes.subarray(first), type, part.map(extentOf), strides);
    },
  };
}

/**
 * A whole encoded chunk. Compression makes nothing much larger, so the object's size is bounded by the decoded one's.
 * @throws FormatError `LIMIT`
 */
export async function readEncoded(
  source: ChunkSource,
  coordinates: readonly number[],
  decodedBytes: number,
  options?: CallOptions,
): Promise<Uint8Array | undefined> {
  const most = Math.floor(decodedBytes * 1.125) + 64 * 1024;
  const bytes = await source.read(coordinates, { start: 0, end: most + 1 }, options);
  if (bytes === undefined || bytes.length <= most) return bytes;
  throw new FormatError('LIMIT', `${source.keyOf(coordinates)}: more than ${most} bytes for one chunk`);
}

function wrongSize(key: string, expected: number, actual: number): FormatError {
  if (actual < expected) {
    return new FormatError('TRUNCATED', `${key}: the chunk ends after ${actual} of ${expected} bytes`, {
      where: { file: key },
      byteOffset: actual,
      remedy: 'copy the file again; it was probably cut off while it was written or transferred',
    });
  }
  return corrupt(key, `a chunk of ${actual} instead of ${expected} bytes`);
}
