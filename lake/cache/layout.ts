import { createHash } from 'node:crypto';
import type { ObjectStore } from '../store/object-store.ts';

/**
 * A cache directory:
 *
 *     objects/ab/ab12….parquet        a whole object, named by store and key, never changed once it is here
 *     objects/ab/ab12….parquet.meta   its size, checksum and time stamp (see entry.ts)
 *     leases/PROCESS.RANDOM/ab12….parquet   a hard link: this process may open the object
 *     locks/ab12….parquet             a process is fetching it
 *
 * Eviction removes the name below `objects`; the bytes live on as long as a lease links to them. So no race
 * between eviction and use can take a file from under a reader, and a killed process's leases and half-written
 * downloads lie in one folder, which the next process to look removes.
 */
export interface CacheLayout {
  readonly objects: string;
  readonly leases: string;
  readonly locks: string;
}

export const metaSuffix = '.meta';

/** The directories of a cache. */
export function cacheLayout(directory: string): CacheLayout {
  return { objects: `${directory}/objects`, leases: `${directory}/leases`, locks: `${directory}/locks` };
}

/** File name of an object in the cache. The extension stays, because engines look at it. */
export function cacheName(store: ObjectStore, key: string): string {
  const hash = createHash('sha256')
    .update(`${store.identity ?? store.uri}\0${key}`)
    .digest('hex');
  const extension = /\.(?!meta$)[A-Za-z0-9]{1,12}$/.exec(key)?.[0] ?? '';
  return `${hash}${extension}`;
}

/** Where the bytes of an object lie; `name` is its `cacheName`. */
export function objectPath(layout: CacheLayout, name: string): string {
  return `${layout.objects}/${name.slice(0, 2)}/${name}`;
}
