import type { ElementType } from '../tensor/type-string.ts';

/** Variable-length strings, besides the fixed-size types. */
export type ZarrType = ElementType | { readonly kind: 'vlen-utf8' };

export type BytesCodec = 'gzip' | 'zlib' | 'zstd' | 'crc32c';

/** How one chunk is encoded. */
export interface ChunkEncoding {
  readonly chunkShape: readonly number[];
  /** Axes from the slowest to the fastest in the stored chunk; C order is 0, 1, 2 … */
  readonly axisOrder: readonly number[];
  readonly type: ZarrType;
  /** In the order of encoding; decoding goes backwards. */
  readonly bytesCodecs: readonly BytesCodec[];
}

/** Chunks packed into larger objects, each with an index of its chunks. */
export interface Sharding {
  readonly shardShape: readonly number[];
  readonly indexAtEnd: boolean;
  readonly indexHasCrc: boolean;
}

/** Metadata of an array of either Zarr format. */
export interface ZarrMetadata {
  readonly zarrFormat: 2 | 3;
  readonly shape: readonly number[];
  readonly encoding: ChunkEncoding;
  readonly sharding: Sharding | undefined;
  /** One element as little-endian bytes, or the text of a string array. */
  readonly fill: Uint8Array | string;
  /** Key of a chunk (or shard) below the array's prefix. */
  readonly chunkKey: (coordinates: readonly number[]) => string;
  readonly attributes: Readonly<Record<string, unknown>>;
}
