import { z } from 'zod';
import { isDType, itemSize } from '../tensor/dtype.ts';
import { corrupt, unsupported } from './errors.ts';
import { fillElement } from './fill.ts';
import type { BytesCodec, Sharding, ZarrMetadata, ZarrType } from './model.ts';

const extents = z.array(z.int().nonnegative());
const chunkExtents = z.array(z.int().positive());
const named = z.union([
  z.string().transform((name) => ({ name, configuration: {} as Record<string, unknown> })),
  z.looseObject({ name: z.string(), configuration: z.record(z.string(), z.unknown()).default({}) }),
]);
type Named = z.output<typeof named>;

const schema = z.looseObject({
  zarr_format: z.literal(3),
  node_type: z.literal('array'),
  shape: extents,
  data_type: named,
  chunk_grid: z.object({
    name: z.literal('regular'),
    configuration: z.object({ chunk_shape: chunkExtents }),
  }),
  chunk_key_encoding: z.object({
    name: z.enum(['default', 'v2']),
    configuration: z.object({ separator: z.enum(['.', '/']).optional() }).default({}),
  }),
  fill_value: z.unknown(),
  codecs: z.array(named).min(1),
  attributes: z.record(z.string(), z.unknown()).default({}),
  storage_transformers: z.array(z.unknown()).max(0).optional(),
});

const shardingSchema = z.object({
  chunk_shape: chunkExtents,
  codecs: z.array(named).min(1),
  index_codecs: z.array(named).min(1),
  index_location: z.enum(['start', 'end']).default('end'),
});

interface Pipeline {
  readonly axisOrder: readonly number[];
  readonly arrayToBytes: Named;
  readonly bytesCodecs: readonly BytesCodec[];
}

/** Metadata of format 3 from the content of `zarr.json`. @throws FormatError `ZARR_CORRUPT` | `UNSUPPORTED` */
export function parseV3(key: string, json: unknown): ZarrMetadata {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw corrupt(key, z.prettifyError(parsed.error), parsed.error);
  const meta = parsed.data;
  const rank = meta.shape.length;
  const gridShape = meta.chunk_grid.configuration.chunk_shape;
  if (gridShape.length !== rank) throw corrupt(key, 'the chunk grid and the shape have different ranks');
  const outer = pipeline(key, meta.codecs, rank);
  const shards = outer.arrayToBytes.name === 'sharding_indexed' ? sharding(key, outer, gridShape) : undefined;
  const inner = shards?.inner ?? outer;
  const type = elementType(key, meta.data_type, inner.arrayToBytes);
  const { name, configuration } = meta.chunk_key_encoding;
  const separator = configuration.separator ?? (name === 'default' ? '/' : '.');
  return {
    zarrFormat: 3,
    shape: meta.shape,
    encoding: {
      chunkShape: shards?.chunkShape ?? gridShape,
      axisOrder: inner.axisOrder,
      type,
      bytesCodecs: inner.bytesCodecs,
    },
    sharding: shards?.sharding,
    fill: fillElement(key, type, meta.fill_value),
    chunkKey: (coordinates) => {
      if (name === 'default') return ['c', ...coordinates].join(separator);
      return coordinates.length === 0 ? '0' : coordinates.join(separator);
    },
    attributes: meta.attributes,
  };
}

function pipeline(key: string, codecs: readonly Named[], rank: number): Pipeline {
  const rest = [...codecs];
  let axisOrder = Array.from({ length: rank }, (_, axis) => axis);
  if (rest[0]?.name === 'transpose') {
    const order = z.array(z.int()).safeParse(rest.shift()!.configuration['order']);
    if (!order.success || order.data.toSorted((a, b) => a - b).join() !== axisOrder.join()) {
      throw corrupt(key, 'a transpose codec whose order is no permutation of the axes');
    }
    axisOrder = order.data;
  }
  const arrayToBytes = rest.shift();
  if (arrayToBytes === undefined) throw corrupt(key, 'no codec that turns arrays into bytes');
  return { axisOrder, arrayToBytes, bytesCodecs: rest.map((codec) => bytesCodec(key, codec.name)) };
}

function bytesCodec(key: string, name: string): BytesCodec {
  const plain = name.replace(/^numcodecs\./, '');
  if (plain === 'gzip' || plain === 'zlib' || plain === 'zstd' || plain === 'crc32c') return plain;
  throw unsupported(key, `the codec ${name}`, 'write the array again with zstd, gzip or no compression');
}

function sharding(key: string, outer: Pipeline, shardShape: readonly number[]) {
  const parsed = shardingSchema.safeParse(outer.arrayToBytes.configuration);
  if (!parsed.success) throw corrupt(key, z.prettifyError(parsed.error), parsed.error);
  const {
    chunk_shape: chunkShape,
    codecs,
    index_codecs: indexCodecs,
    index_location: location,
  } = parsed.data;
  const fits =
    chunkShape.length === shardShape.length && chunkShape.every((c, i) => shardShape[i]! % c === 0);
  if (!fits) throw corrupt(key, 'shards that are no multiple of their chunks');
  if (outer.bytesCodecs.length > 0 || outer.axisOrder.some((axis, i) => axis !== i)) {
    throw unsupported(key, 'a codec around whole shards');
  }
  const names = indexCodecs.map((codec) => codec.name).join();
  if (indexCodecs[0]?.configuration['endian'] === 'big' || !/^bytes(,crc32c)?$/.test(names)) {
    throw unsupported(key, `a shard index encoded with ${names}`);
  }
  const result: Sharding = {
    shardShape,
    indexAtEnd: location === 'end',
    indexHasCrc: names.endsWith('crc32c'),
  };
  return { sharding: result, chunkShape, inner: pipeline(key, codecs, chunkShape.length) };
}

function elementType(key: string, dataType: Named, codec: Named): ZarrType {
  const { name, configuration } = dataType;
  if (codec.name === 'vlen-utf8') {
    if (name !== 'string') throw corrupt(key, `the codec vlen-utf8 for ${name}`);
    return { kind: 'vlen-utf8' };
  }
  if (codec.name !== 'bytes') throw unsupported(key, `the codec ${codec.name}`);
  const bigEndian = codec.configuration['endian'] === 'big';
  if (isDType(name)) {
    const size = itemSize(name);
    return { kind: 'number', dtype: name, itemSize: size, bigEndian: bigEndian && size > 1 };
  }
  const length = z
    .int()
    .positive()
    .max(1 << 20)
    .safeParse(configuration['length_bytes']);
  if (name === 'fixed_length_utf32' && length.success && length.data % 4 === 0) {
    return { kind: 'ucs4', itemSize: length.data, bigEndian };
  }
  if (name === 'null_terminated_bytes' && length.success) {
    return { kind: 'bytes', itemSize: length.data, bigEndian: false };
  }
  throw unsupported(key, `the data type ${name}`);
}
