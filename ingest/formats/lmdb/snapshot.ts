import type { ByteSource } from '../bytes/byte-source.ts';
import { corrupt, LmdbError } from './layout.ts';
import type { Meta } from './meta.ts';
import { checkPage, type Page, type PageKind } from './page.ts';

/** One consistent state of a store: what all reads of an environment refer to. */
export interface Snapshot {
  /** The store itself. */
  readonly source: ByteSource;
  /** The same bytes for scans: cached in large blocks when the store is small, else uncached. */
  readonly scanned: ByteSource;
  /** The same bytes for look-ups, through a cache of small blocks. */
  readonly cached: ByteSource;
  readonly file: string;
  readonly meta: Meta;
  /** Whole pages in the file. */
  readonly filePages: number;
}

/**
 * Counts the pages that one scan visits. No page has two places in a store, so more visits than pages
 * prove a loop or a shared subtree before it can cost more than reading the file once.
 */
export interface PageBudget {
  left: number;
}

/** The budget of a scan that begins: as many pages as the file has. */
export function pageBudget(snapshot: Snapshot): PageBudget {
  return { left: snapshot.filePages };
}

/** Notes that pages are visited. @throws LmdbError when the scan has visited more than there are */
export function spendPages(budget: PageBudget, pages: number, snapshot: Snapshot, page: number): void {
  budget.left -= pages;
  if (budget.left < 0) throw corrupt(snapshot.file, page, 'the tree visits more pages than the file has');
}

/** Checks that pages `[page, page + pages)` are data pages of the snapshot and lie in the file. */
export function checkPageNumber(snapshot: Snapshot, page: number, pages: number, from: number): void {
  if (page < 2 || page + pages - 1 > snapshot.meta.lastPage) {
    throw corrupt(snapshot.file, from, `it refers to page ${page} of ${snapshot.meta.lastPage + 1}`);
  }
  if (page + pages > snapshot.filePages) throw truncated(snapshot, page);
}

/** The error for a file that ends before a page that is in use. */
export function truncated(snapshot: Snapshot, page: number): LmdbError {
  const { file, meta, filePages } = snapshot;
  return new LmdbError('TRUNCATED', `${file} has ${filePages} whole pages, but page ${page} is in use`, {
    page,
    where: { file },
    byteOffset: filePages * meta.pageSize,
    expected: `${(meta.lastPage + 1) * meta.pageSize} bytes`,
    remedy: 'copy the store again; it was cut off while it was transferred',
  });
}

/** Reads and checks one page through the cache. */
export async function readPage(
  snapshot: Snapshot,
  number: number,
  kind: PageKind,
  from: number,
  signal: AbortSignal | undefined,
): Promise<Page> {
  checkPageNumber(snapshot, number, 1, from);
  const start = number * snapshot.meta.pageSize;
  const bytes = await snapshot.cached.read(start, start + snapshot.meta.pageSize, signal);
  return checkPage(bytes, number, kind, snapshot.file);
}
