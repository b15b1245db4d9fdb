import { type CallOptions, ObjectNotFoundError, type ObjectStore } from '../../../lake/store/object-store.ts';
import { corrupt } from './errors.ts';
import { parseJson } from './json.ts';
import type { ZarrMetadata } from './model.ts';
import { getIfThere, join } from './objects.ts';
import { parseV2 } from './v2.ts';
import { parseV3 } from './v3.ts';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function readObject(store: ObjectStore, key: string, options?: CallOptions) {
  const bytes = await getIfThere(store, key, undefined, options);
  if (bytes === undefined) return undefined;
  const value = parseJson(key, bytes);
  if (!isRecord(value)) throw corrupt(key, 'the metadata is no JSON object');
  return value;
}

/**
 * Metadata of the array at a prefix, of either format.
 * @throws ObjectNotFoundError when there is neither `zarr.json` nor `.zarray`
 * @throws FormatError `ZARR_CORRUPT` | `UNSUPPORTED`
 */
export async function readMetadata(
  store: ObjectStore,
  prefix: string,
  options?: CallOptions,
): Promise<ZarrMetadata> {
  const key = join(prefix, '.zarray');
  const v2 = await readObject(store, key, options);
  if (v2 !== undefined) {
    const attributes = await readObject(store, join(prefix, '.zattrs'), options);
    return parseV2(key, v2, attributes ?? {});
  }
  const v3Key = join(prefix, 'zarr.json');
  const v3 = await readObject(store, v3Key, options);
  if (v3 === undefined) throw new ObjectNotFoundError(store.uri, key);
  return parseV3(v3Key, v3);
}

export interface ZarrGroup {
  readonly zarrFormat: 2 | 3;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The group at a prefix, or undefined when there is none. @throws FormatError `ZARR_CORRUPT` */
export async function readGroup(
  store: ObjectStore,
  prefix: string,
  options?: CallOptions,
): Promise<ZarrGroup | undefined> {
  const v2 = await readObject(store, join(prefix, '.zgroup'), options);
  if (v2 !== undefined) {
    const attributes = await readObject(store, join(prefix, '.zattrs'), options);
    return { zarrFormat: 2, attributes: attributes ?? {} };
  }
  const v3 = await readObject(store, join(prefix, 'zarr.json'), options);
  if (v3 === undefined || v3['node_type'] !== 'group') return undefined;
  const attributes = v3['attributes'];
  return { zarrFormat: 3, attributes: isRecord(attributes) ? attributes : {} };
}
