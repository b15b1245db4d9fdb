import { CancelledError } from '../../../lake/errors.ts';
import type { CallOptions, ObjectStore } from '../../../lake/store/object-store.ts';
import { FormatError } from '../errors.ts';
import type { DType } from '../tensor/dtype.ts';
import { elementCount, Tensor } from '../tensor/tensor.ts';
import { decodeFixedText, type ElementType } from '../tensor/type-string.ts';
import { type ChunkSource, chunkSource } from './chunks.ts';
import { decodeBytes, decodeVlenUtf8 } from './codecs.ts';
import { readMetadata } from './metadata.ts';
import type { ZarrMetadata } from './model.ts';
import { codedReader, type PartReader, plainReader, readEncoded } from './read-chunk.ts';
import { type AxisRange, chunkCount, chunkParts, extentOf, fullRegion, place } from './region.ts';

export interface ZarrOptions extends CallOptions {
  /** Most bytes of one region. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Most bytes of one compressed chunk, decoded. Default 512 MiB. */
  readonly maxChunkBytes?: number;
  /** Decoded chunks that are kept for the next region. Default 64 MiB. */
  readonly cacheBytes?: number;
}

export interface RowBlock {
  /** Index of the first row. */
  readonly start: number;
  readonly rows: Tensor;
}

export interface ZarrArray {
  readonly metadata: ZarrMetadata;
  readonly shape: readonly number[];
  /** Undefined for strings. */
  readonly dtype: DType | undefined;
  /** Elements of a box: one range an axis, missing axes whole. Elements of missing chunks are the fill value. */
  readRegion(ranges: readonly AxisRange[], options?: CallOptions): Promise<Tensor>;
  /** Strings of a box in C order. */
  readStrings(ranges: readonly AxisRange[], options?: CallOptions): Promise<string[]>;
  /** Rows along the first axis in blocks of at most `maxBytes` (default 32 MiB; at least one row), in order. */
  rowBlocks(
    options?: CallOptions & { readonly start?: number; readonly end?: number; readonly maxBytes?: number },
  ): AsyncGenerator<RowBlock>;
}

/** Most bytes of a chunk of strings, each of which costs far more memory than its bytes. */
const maxTextChunk = 64 * 1024 * 1024;
const maxChunks = 4_000_000;
/** Bytes in flight, and requests at once. */
const inFlightBytes = 64 * 1024 * 1024;
const maxParallel = 8;

/**
 * Opens an array of Zarr format 2 or 3 below a prefix; reads only its metadata. Memory is bounded by the regions
 * asked for, not by the array.
 * @throws FormatError `ZARR_CORRUPT` | `UNSUPPORTED`
 * @throws ObjectNotFoundError when there is no array
 */
export async function openArray(
  store: ObjectStore,
  prefix: string,
  options: ZarrOptions = {},
): Promise<ZarrArray> {
  const metadata = await readMetadata(store, prefix, options);
  return arrayOf(chunkSource(store, prefix, metadata), metadata, options);
}

function arrayOf(source: ChunkSource, metadata: ZarrMetadata, limits: ZarrOptions): ZarrArray {
  const { shape, encoding } = metadata;
  const { type, chunkShape } = encoding;
  const maxBytes = limits.maxBytes ?? 2 ** 30;
  const maxChunkBytes = limits.maxChunkBytes ?? 2 ** 29;
  const textBytes = Math.min(maxChunkBytes, maxTextChunk);
  elementCount(shape);
  const chunkElements = elementCount(chunkShape);
  const reader =
    type.kind === 'vlen-utf8' || type.kind === 'object'
      ? undefined
      : encoding.bytesCodecs.length === 0
        ? plainReader(source, encoding, type)
        : codedReader(source, encoding, type, { maxChunkBytes, cacheBytes: limits.cacheBytes ?? 2 ** 26 });

  function checked(ranges: readonly AxisRange[], width: number): { region: AxisRange[]; extents: number[] } {
    const region = fullRegion(shape, ranges);
    const extents = region.map(extentOf);
    if (elementCount(extents) * width > maxBytes || chunkCount(region, chunkShape) > maxChunks) {
      throw new FormatError('LIMIT', `a region of ${extents.join(' x ')} elements at once`, {
        expected: `at most ${maxBytes} bytes and ${maxChunks} chunks`,
      });
    }
    return { region, extents };
  }

  async function readBytes(
    parts: PartReader,
    element: ElementType,
    ranges: readonly AxisRange[],
    options?: CallOptions,
  ): Promise<{ bytes: Uint8Array; extents: number[] }> {
    const { region, extents } = checked(ranges, element.itemSize);
    const fill = metadata.fill instanceof Uint8Array ? metadata.fill : new Uint8Array(element.itemSize);
    if (chunkCount(region, chunkShape) === 1) {
      const only = chunkParts(region, chunkShape).next().value!;
      const bytes = await parts.read(only.coordinates, only.inChunk, options);
      return { bytes: bytes ?? repeated(fill, elementCount(extents)), extents };
    }
    const bytes = new Uint8Array(elementCount(extents) * element.itemSize);
    const parallel = parallelism(chunkElements * element.itemSize);
    await forEachParallel(chunkParts(region, chunkShape), parallel, options?.signal, async (part) => {
      const partExtents = part.inChunk.map(extentOf);
      const found = await parts.read(part.coordinates, part.inChunk, options);
      if (found === undefined && fill.every((byte) => byte === 0)) return;
      const block = found ?? repeated(fill, elementCount(partExtents));
      place(block, partExtents, bytes, extents, part.at, element.itemSize);
    });
    return { bytes, extents };
  }

  async function readRegion(ranges: readonly AxisRange[], options?: CallOptions): Promise<Tensor> {
    if (reader === undefined || type.kind !== 'number') {
      throw new FormatError('UNSUPPORTED', 'an array of strings has no numbers', {
        remedy: 'use readStrings',
      });
    }
    const { bytes, extents } = await readBytes(reader, type, ranges, options);
    return new Tensor({ dtype: type.dtype, shape: extents, data: bytes });
  }

  async function readStrings(ranges: readonly AxisRange[], options?: CallOptions): Promise<string[]> {
    if (type.kind === 'ucs4' || type.kind === 'bytes') {
      const { bytes, extents } = await readBytes(reader!, type, ranges, options);
      return decodeFixedText(bytes, { ...type, bigEndian: false }, elementCount(extents));
    }
    if (type.kind !== 'vlen-utf8') throw new FormatError('UNSUPPORTED', 'an array of numbers has no strings');
    const { region, extents } = checked(ranges, 64);
    const fill = typeof metadata.fill === 'string' ? metadata.fill : '';
    const out = new Array<string>(elementCount(extents)).fill(fill);
    for (const part of chunkParts(region, chunkShape)) {
      throwIfAborted(options?.signal);
      const encoded = await readEncoded(source, part.coordinates, textBytes, options);
      if (encoded === undefined) continue;
      const key = source.keyOf(part.coordinates);
      const bytes = await decodeBytes(key, encoded, encoding.bytesCodecs, textBytes);
      const items = decodeVlenUtf8(key, bytes, chunkElements);
      placeStrings(items, metadata, part.inChunk, out, extents, part.at);
    }
    return out;
  }

  async function* rowBlocks(
    options: CallOptions & {
      readonly start?: number;
      readonly end?: number;
      readonly maxBytes?: number;
    } = {},
  ): AsyncGenerator<RowBlock> {
    const end = options.end ?? shape[0] ?? 0;
    const rowBytes = elementCount(shape.slice(1)) * (type.kind === 'number' ? type.itemSize : 1);
    const fitting = Math.max(1, Math.floor((options.maxBytes ?? 2 ** 25) / Math.max(rowBytes, 1)));
    const chunkRows = chunkShape[0] ?? 1;
    // Whole chunks where several fit, so that none is decoded twice.
    const step = fitting > chunkRows ? fitting - (fitting % chunkRows) : fitting;
    for (let start = options.start ?? 0; start < end; ) {
      throwIfAborted(options.signal);
      const aligned = fitting > chunkRows ? start - (start % chunkRows) + step : start + step;
      const stop = Math.min(aligned, end);
      yield { start, rows: await readRegion([{ start, end: stop }], options) };
      start = stop;
    }
  }

  return {
    metadata,
    shape,
    dtype: type.kind === 'number' ? type.dtype : undefined,
    readRegion,
    readStrings,
    rowBlocks,
  };
}

const parallelism = (chunkBytes: number) =>
  Math.max(1, Math.min(maxParallel, Math.floor(inFlightBytes / Math.max(chunkBytes, 1))));

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError('reading a Zarr array', signal.reason);
}

async function forEachParallel<T>(
  items: Iterable<T>,
  parallel: number,
  signal: AbortSignal | undefined,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const worker = async () => {
    for (let next = iterator.next(); !failed && !next.done; next = iterator.next()) {
      throwIfAborted(signal);
      try {
        await run(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

/** `count` copies of one element. */
function repeated(element: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(element.length * count);
  if (count === 0 || element.every((byte) => byte === 0)) return out;
  out.set(element);
  for (let filled = element.length; filled < out.length; filled *= 2) {
    out.copyWithin(filled, 0, Math.min(filled, out.length - filled));
  }
  return out;
}

function placeStrings(
  items: readonly string[],
  metadata: ZarrMetadata,
  inChunk: readonly AxisRange[],
  out: string[],
  extents: readonly number[],
  at: readonly number[],
): void {
  const { chunkShape, axisOrder } = metadata.encoding;
  const from = new Array<number>(chunkShape.length);
  const to = new Array<number>(chunkShape.length);
  let step = 1;
  for (const axis of axisOrder.toReversed()) {
    from[axis] = step;
    step *= chunkShape[axis]!;
  }
  step = 1;
  for (let axis = extents.length - 1; axis >= 0; axis--) {
    to[axis] = step;
    step *= extents[axis]!;
  }
  const walk = (axis: number, source: number, target: number): void => {
    if (axis === inChunk.length) {
      out[target] = items[source]!;
      return;
    }
    const { start, end } = inChunk[axis]!;
    for (let i = start; i < end; i++) {
      walk(axis + 1, source + i * from[axis]!, target + (at[axis]! + i - start) * to[axis]!);
    }
  };
  walk(0, 0, 0);
}
