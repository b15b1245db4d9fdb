/** What a cache has done in this process. */
export interface CacheCounts {
  /** Objects that were there. */
  readonly hits: number;
  /** Objects that were fetched, and their bytes. */
  readonly misses: number;
  readonly fetchedBytes: number;
  /** Objects that were removed to make room, and their bytes. */
  readonly evictions: number;
  readonly evictedBytes: number;
}

export type MutableCacheCounts = { -readonly [K in keyof CacheCounts]: CacheCounts[K] };

/** The counts of a cache that has done nothing. */
export function noCacheCounts(): MutableCacheCounts {
  return { hits: 0, misses: 0, fetchedBytes: 0, evictions: 0, evictedBytes: 0 };
}
