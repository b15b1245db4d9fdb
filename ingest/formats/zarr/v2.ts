import { z } from 'zod';
import { parseTypeString } from '../tensor/type-string.ts';
import { corrupt, unsupported } from './errors.ts';
import { fillElement } from './fill.ts';
import type { BytesCodec, ZarrMetadata, ZarrType } from './model.ts';

const extents = z.array(z.int().nonnegative());
const codec = z.looseObject({ id: z.string() });

const schema = z.looseObject({
  zarr_format: z.literal(2),
  shape: extents,
  chunks: z.array(z.int().positive()),
  dtype: z.unknown(),
  compressor: codec.nullable(),
  fill_value: z.unknown(),
  order: z.enum(['C', 'F']),
  filters: z.array(codec).nullish(),
  dimension_separator: z.enum(['.', '/']).default('.'),
});

/** Metadata of format 2 from the content of `.zarray`. @throws FormatError `ZARR_CORRUPT` | `UNSUPPORTED` */
export function parseV2(
  key: string,
  json: unknown,
  attributes: Readonly<Record<string, unknown>>,
): ZarrMetadata {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw corrupt(key, z.prettifyError(parsed.error), parsed.error);
  const meta = parsed.data;
  if (meta.chunks.length !== meta.shape.length) throw corrupt(key, 'chunks and shape have different ranks');
  const type = elementType(key, meta.dtype, meta.filters ?? []);
  const axes = meta.shape.map((_, axis) => axis);
  return {
    zarrFormat: 2,
    shape: meta.shape,
    encoding: {
      chunkShape: meta.chunks,
      axisOrder: meta.order === 'F' ? axes.toReversed() : axes,
      type,
      bytesCodecs: compressor(key, meta.compressor?.id),
    },
    sharding: undefined,
    fill: fillElement(key, type, meta.fill_value),
    chunkKey: (coordinates) => (coordinates.length === 0 ? '0' : coordinates.join(meta.dimension_separator)),
    attributes,
  };
}

function elementType(key: string, dtype: unknown, filters: readonly { readonly id: string }[]): ZarrType {
  const type = typeof dtype === 'string' ? parseTypeString(dtype) : undefined;
  if (type === undefined) throw unsupported(key, `dtype ${JSON.stringify(dtype)}`);
  const names = filters.map((filter) => filter.id);
  if (type.kind === 'object' && names.join() === 'vlen-utf8') return { kind: 'vlen-utf8' };
  if (names.length > 0) throw unsupported(key, `the filter ${names.join(', ')}`);
  if (type.kind === 'object') throw unsupported(key, 'an object array without the vlen-utf8 filter');
  return type;
}

function compressor(key: string, id: string | undefined): readonly BytesCodec[] {
  if (id === undefined) return [];
  if (id === 'gzip' || id === 'zlib' || id === 'zstd') return [id];
  throw unsupported(
    key,
    `the compressor ${id}`,
    'write the array again without compressor, or with zstd or gzip',
  );
}
