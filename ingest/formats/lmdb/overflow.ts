import { type ByteSource, sliceSource } from '../bytes/byte-source.ts';
import { readExtents } from '../bytes/read-extents.ts';
import { corrupt, P_OVERFLOW, PAGE_HEADER, u16, u32, u64 } from './layout.ts';
import { type Overflow, overflowPages } from './node.ts';
import type { Snapshot } from './snapshot.ts';

/** A value, or where to read a huge one by range. */
export type LmdbValue = Uint8Array | ByteSource;

/** Values larger than this, in bytes, are not read unless asked for. */
export const LAZY_ABOVE = 16 * 1024 * 1024;

/**
 * Fetches values out of overflow pages with few requests; of those above `lazyAbove` only the page header, to
 * check it. The answer is in the order of `values`.
 */
export async function fetchOverflow(
  snapshot: Snapshot,
  values: readonly Overflow[],
  lazyAbove: number,
  signal: AbortSignal | undefined,
): Promise<LmdbValue[]> {
  if (values.length === 0) return [];
  const { pageSize } = snapshot.meta;
  const extents = values.map(({ page, size }) => {
    const start = page * pageSize;
    return { start, end: start + PAGE_HEADER + (size > lazyAbove ? 0 : size) };
  });
  const read = await readExtents(snapshot.scanned, extents, signal === undefined ? {} : { signal });
  return values.map((value, i) => {
    const bytes = read[i]!;
    checkHeader(snapshot, value, bytes);
    if (value.size <= lazyAbove) return bytes.subarray(PAGE_HEADER);
    const start = value.page * pageSize + PAGE_HEADER;
    return sliceSource(snapshot.source, start, start + value.size, `${snapshot.file}#page=${value.page}`);
  });
}

function checkHeader(snapshot: Snapshot, value: Overflow, bytes: Uint8Array): void {
  const { page, size, from } = value;
  const flags = u16(bytes, 10);
  if (u64(bytes, 0) !== page || (flags & P_OVERFLOW) === 0) {
    throw corrupt(snapshot.file, page, `it is not the overflow page that page ${from} refers to`);
  }
  if (u32(bytes, 12) < overflowPages(snapshot, size)) {
    throw corrupt(snapshot.file, page, `${u32(bytes, 12)} overflow pages cannot hold ${size} bytes`);
  }
}
