import { corrupt, LmdbError, u64 } from './layout.ts';
import { scanWindows } from './scan.ts';
import { pageBudget, type Snapshot, truncated } from './snapshot.ts';

/** More missing pages than this are a cut-off file without looking at the free list. */
const MOST_MISSING = 1 << 20;

/**
 * Checks that the file reaches to the snapshot's last page. LMDB leaves pages at the end unwritten that were
 * allocated and freed by one transaction, so a shorter file is whole when every missing page is in the free list.
 * @throws LmdbError `TRUNCATED`
 */
export async function checkComplete(snapshot: Snapshot, signal: AbortSignal | undefined): Promise<void> {
  const { filePages, meta, file } = snapshot;
  const missing = meta.lastPage + 1 - filePages;
  if (missing <= 0) return;
  if (missing > MOST_MISSING) throw truncated(snapshot, meta.lastPage);
  const free = new Set<number>();
  try {
    const options = signal === undefined ? {} : { signal };
    for await (const window of scanWindows(snapshot, meta.freeDb, pageBudget(snapshot), options)) {
      for (const { value } of window) {
        if (value instanceof Uint8Array) collectMissing(value, snapshot, free);
      }
    }
  } catch (error) {
    if (error instanceof LmdbError) throw truncated(snapshot, meta.lastPage);
    throw error;
  }
  for (let page = filePages; page <= meta.lastPage; page++) {
    if (!free.has(page)) throw truncated(snapshot, page);
  }
  function collectMissing(list: Uint8Array, of: Snapshot, into: Set<number>): void {
    const count = list.length < 8 ? -1 : u64(list, 0);
    if (count < 0 || 8 + count * 8 > list.length) throw corrupt(file, 0, `a free list of ${count} pages`);
    for (let i = 1; i <= count; i++) {
      const page = u64(list, 8 * i);
      if (page >= of.filePages && page <= of.meta.lastPage) into.add(page);
    }
  }
}
