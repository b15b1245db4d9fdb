import { readdir, stat } from 'node:fs/promises';
import { meansAbsent } from '../store/local-errors.ts';
import { removeFile } from '../store/remove.ts';
import type { MutableCacheCounts } from './cache-counts.ts';
import { type CacheLayout, metaSuffix } from './layout.ts';

/** A little room below the limit, so that not every further object starts a scan. */
const lowWater = 0.9;

interface CachedObject {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly lastUsedMs: number;
  /** Links besides the one below `objects`. */
  readonly leases: number;
}

/** What this process knows of its own leases that the file system does not tell. */
export interface OwnLeases {
  /** When this process last used an object that it leases; undefined when it leases none of this name. */
  lastUsedMs(name: string): number | undefined;
  /** Gives up the lease if nothing uses it now. @returns false when something does */
  dropIfIdle(name: string): boolean;
}

/**
 * Measures the cache and, if it holds more than `maxBytes - roomBytes`, removes the objects that were unused
 * longest and are leased by nobody else, down to nine tenths of that. Resolves to the bytes that remain.
 */
export async function evict(
  layout: CacheLayout,
  maxBytes: number,
  roomBytes: number,
  own: OwnLeases,
  counts: MutableCacheCounts,
): Promise<number> {
  const objects = await scan(layout, own);
  let used = objects.reduce((sum, object) => sum + object.size, 0);
  const limit = Math.max(0, maxBytes - roomBytes);
  if (used <= limit) return used;
  objects.sort((a, b) => a.lastUsedMs - b.lastUsedMs);
  for (const object of objects) {
    if (used <= limit * lowWater) break;
    const leasedHere = own.lastUsedMs(object.name) !== undefined;
    if (object.leases > (leasedHere ? 1 : 0)) continue;
    if (leasedHere && !own.dropIfIdle(object.name)) continue;
    await removeFile(object.path);
    await removeFile(object.path + metaSuffix);
    used -= object.size;
    counts.evictions += 1;
    counts.evictedBytes += object.size;
  }
  return used;
}

async function scan(layout: CacheLayout, own: OwnLeases): Promise<CachedObject[]> {
  const objects: CachedObject[] = [];
  for (const shard of await namesIn(layout.objects)) {
    const folder = `${layout.objects}/${shard}`;
    const names = (await namesIn(folder)).filter((name) => !name.endsWith(metaSuffix));
    const found = await Promise.all(names.map((name) => measure(folder, name, own)));
    for (const object of found) if (object !== undefined) objects.push(object);
  }
  return objects;
}

async function measure(folder: string, name: string, own: OwnLeases): Promise<CachedObject | undefined> {
  const path = `${folder}/${name}`;
  try {
    const { size, atimeMs, nlink } = await stat(path);
    return { name, path, size, leases: nlink - 1, lastUsedMs: Math.max(atimeMs, own.lastUsedMs(name) ?? 0) };
  } catch (error) {
    if (meansAbsent(error)) return undefined; // somebody else evicted it
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (meansAbsent(error)) return [];
    throw error;
  }
}
