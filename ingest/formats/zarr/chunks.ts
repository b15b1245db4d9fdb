import type { CallOptions, ObjectStore } from '../../../lake/store/object-store.ts';
import { FormatError } from '../errors.ts';
import { crc32c } from '../torch/crc32.ts';
import { corrupt } from './errors.ts';
import type { Sharding, ZarrMetadata } from './model.ts';
import { getIfThere, join } from './objects.ts';

/** The encoded bytes of chunks; knows where they lie, not what they mean. */
export interface ChunkSource {
  /** Name of a chunk in messages. */
  keyOf(coordinates: readonly number[]): string;
  /** Bytes `[start, end)` of the encoded chunk, which may end before; undefined when it does not exist. */
  read(
    coordinates: readonly number[],
    range: { readonly start: number; readonly end: number },
    options?: CallOptions,
  ): Promise<Uint8Array | undefined>;
}

/** The chunks of an array below `prefix`, each an object of its own or a part of a shard. */
export function chunkSource(store: ObjectStore, prefix: string, meta: ZarrMetadata): ChunkSource {
  const keyOf = (coordinates: readonly number[]) => join(prefix, meta.chunkKey(coordinates));
  if (meta.sharding !== undefined)
    return shardedSource(store, keyOf, meta.encoding.chunkShape, meta.sharding);
  return {
    keyOf,
    read: (coordinates, range, options) => getIfThere(store, keyOf(coordinates), range, options),
  };
}

/** Marks a chunk that is not in its shard. */
const empty = 0xffffffffffffffffn;
const maxIndexBytes = 64 * 1024 * 1024;
const cachedIndexes = 16;

function shardedSource(
  store: ObjectStore,
  keyOf: (coordinates: readonly number[]) => string,
  chunkShape: readonly number[],
  sharding: Sharding,
): ChunkSource {
  const perShard = sharding.shardShape.map((extent, axis) => extent / chunkShape[axis]!);
  const count = perShard.reduce((a, b) => a * b, 1);
  const indexBytes = count * 16 + (sharding.indexHasCrc ? 4 : 0);
  const indexes = new Map<string, Promise<DataView | undefined>>();

  async function loadIndex(key: string, options?: CallOptions): Promise<DataView | undefined> {
    if (indexBytes > maxIndexBytes)
      throw new FormatError('LIMIT', `${key}: a shard index of ${indexBytes} bytes`);
    const info = await store.head(key, options);
    if (info === undefined) return undefined;
    if (info.size < indexBytes) throw corrupt(key, `a shard of ${info.size} bytes has no room for its index`);
    const start = sharding.indexAtEnd ? info.size - indexBytes : 0;
    const bytes = await getIfThere(store, key, { start, end: start + indexBytes }, options);
    if (bytes === undefined) return undefined;
    if (bytes.length !== indexBytes) throw corrupt(key, 'the shard changed while it was read');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (sharding.indexHasCrc && crc32c(bytes.subarray(0, count * 16)) !== view.getUint32(count * 16, true)) {
      throw new FormatError('CODEC_CORRUPT', `${key}: the shard index does not match its checksum`);
    }
    return view;
  }

  function indexOf(key: string, options?: CallOptions): Promise<DataView | undefined> {
    const known = indexes.get(key);
    if (known !== undefined) return known;
    const index = loadIndex(key, options);
    // A failure, be it only an abort, must not be what the next reader gets.
    index.catch(() => indexes.delete(key));
    indexes.set(key, index);
    if (indexes.size > cachedIndexes) indexes.delete(indexes.keys().next().value!);
    return index;
  }

  const shardOf = (coordinates: readonly number[]) =>
    coordinates.map((c, axis) => Math.floor(c / perShard[axis]!));

  return {
    keyOf: (coordinates) => keyOf(shardOf(coordinates)),
    async read(coordinates, range, options) {
      const key = keyOf(shardOf(coordinates));
      const index = await indexOf(key, options);
      if (index === undefined) return undefined;
      const slot = coordinates.reduce((sum, c, axis) => sum * perShard[axis]! + (c % perShard[axis]!), 0);
      const offset = index.getBigUint64(slot * 16, true);
      const length = index.getBigUint64(slot * 16 + 8, true);
      if (offset === empty && length === empty) return undefined;
      if (offset + length > BigInt(Number.MAX_SAFE_INTEGER))
        throw corrupt(key, 'a chunk outside of its shard');
      const from = Number(offset) + range.start;
      const to = Number(offset) + Math.min(range.end, Number(length));
      const bytes = await getIfThere(store, key, { start: from, end: Math.max(from, to) }, options);
      if (bytes !== undefined && bytes.length < to - from) throw corrupt(key, 'a chunk outside of its shard');
      return bytes;
    },
  };
}
