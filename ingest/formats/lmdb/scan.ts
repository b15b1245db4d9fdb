import {
  compareKeys,
  corrupt,
  DB_INTEGERDUP,
  DB_INTEGERKEY,
  DB_REVERSEDUP,
  DB_REVERSEKEY,
  type DbRecord,
} from './layout.ts';
import { leafWindows, type Walk } from './levels.ts';
import { checkDuplicatePage, type Overflow, overflowPages, readNode } from './node.ts';
import { fetchOverflow, LAZY_ABOVE, type LmdbValue } from './overflow.ts';
import { keyAt, type Page } from './page.ts';
import { type PageBudget, type Snapshot, spendPages } from './snapshot.ts';

export interface LmdbEntry {
  /** A view into a page: copy what is kept for long. */
  readonly key: Uint8Array;
  /** A view likewise; a `ByteSource` when the value is larger than `lazyAbove`. */
  readonly value: LmdbValue;
  /** The entry is the record of a named database, not data. */
  readonly database: boolean;
}

export interface ScanOptions {
  /** Only entries with keys greater than this one. */
  readonly after?: Uint8Array;
  /** Larger values, in bytes, are handed out as a `ByteSource`. Default 16 MiB. */
  readonly lazyAbove?: number;
  readonly signal?: AbortSignal;
}

/** Values of about this many bytes are fetched together and wait for the consumer together. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const WINDOW_ENTRIES = 4096;

interface Pending {
  readonly key: Uint8Array;
  readonly value: Uint8Array | Overflow;
  readonly database: boolean;
}

interface Batch {
  pending: Pending[];
  bytes: number;
  /** Entries added since the scan began. */
  seen: number;
}

/** Whether keys compare from their last byte to their first, as a database's flags say. */
export function keysReversed(flags: number): boolean {
  return (flags & (DB_REVERSEKEY | DB_INTEGERKEY)) !== 0;
}

function duplicatesReversed(flags: number): boolean {
  return (flags & (DB_REVERSEDUP | DB_INTEGERDUP)) !== 0;
}

/**
 * The entries of a tree in key order, in windows; duplicates of a key follow one another. Order, page counts and
 * (for a whole scan) the number of entries are checked against the tree's record.
 * @throws LmdbError
 */
export async function* scanWindows(
  snapshot: Snapshot,
  tree: DbRecord,
  budget: PageBudget,
  options: ScanOptions,
): AsyncGenerator<LmdbEntry[], void, undefined> {
  const { after, signal } = options;
  const walk: Walk = { snapshot, budget, reversed: keysReversed(tree.flags), after, signal };
  const batch: Batch = { pending: [], bytes: 0, seen: 0 };
  const take = () => resolveBatch(snapshot, batch, options.lazyAbove ?? LAZY_ABOVE, signal);
  let last: Uint8Array | undefined;

  for await (const pages of leafWindows(walk, tree)) {
    for (const page of pages) {
      if (page.fixedSize > 0) throw corrupt(page.file, page.number, 'fixed-size keys outside duplicates');
      for (let i = 0; i < page.count; i++) {
        const key = keyAt(page, i);
        checkOrder(page, last, key, walk.reversed);
        last = key;
        if (after !== undefined && compareKeys(key, after, walk.reversed) <= 0) continue;
        const content = readNode(snapshot, tree.flags, page, i);
        if (content.kind === 'duplicates') {
          addDuplicates(batch, tree, key, content.page);
        } else if (content.kind === 'duplicateTree') {
          for await (const duplicates of duplicatePages(walk, tree, content.record)) {
            addDuplicates(batch, tree, key, duplicates);
            if (isFull(batch)) yield await take();
          }
        } else {
          const { value } = content;
          if (!(value instanceof Uint8Array)) {
            spendPages(budget, overflowPages(snapshot, value.size), snapshot, page.number);
          }
          add(batch, tree, page, { key, value, database: content.kind === 'database' });
        }
        if (isFull(batch)) yield await take();
      }
    }
  }
  if (batch.pending.length > 0) yield await take();
  if (after === undefined && batch.seen !== tree.entries) {
    throw corrupt(
      snapshot.file,
      tree.root ?? 0,
      `${batch.seen} entries, but its record says ${tree.entries}`,
    );
  }
}

/** The leaf pages of the tree of one key's duplicates, in order and complete. */
export async function* duplicatePages(
  outer: Walk,
  tree: DbRecord,
  record: DbRecord,
): AsyncGenerator<Page, void, undefined> {
  const reversed = duplicatesReversed(tree.flags);
  const walk: Walk = { ...outer, reversed, after: undefined };
  let seen = 0;
  let last: Uint8Array | undefined;
  for await (const pages of leafWindows(walk, record)) {
    for (const page of pages) {
      checkDuplicatePage(page, tree.flags);
      const first = keyAt(page, 0);
      checkOrder(page, last, first, reversed);
      last = keyAt(page, page.count - 1);
      seen += page.count;
      yield page;
    }
  }
  if (seen !== record.entries) {
    const page = record.root ?? 0;
    throw corrupt(outer.snapshot.file, page, `${seen} duplicates, but their record says ${record.entries}`);
  }
}

function addDuplicates(batch: Batch, tree: DbRecord, key: Uint8Array, page: Page): void {
  const reversed = duplicatesReversed(tree.flags);
  let previous: Uint8Array | undefined;
  for (let i = 0; i < page.count; i++) {
    const value = keyAt(page, i);
    checkOrder(page, previous, value, reversed);
    previous = value;
    add(batch, tree, page, { key, value, database: false });
  }
}

function add(batch: Batch, tree: DbRecord, page: Page, entry: Pending): void {
  batch.seen++;
  if (batch.seen > tree.entries) {
    throw corrupt(page.file, page.number, `more entries than the ${tree.entries} of the tree's record`);
  }
  batch.pending.push(entry);
  if (!(entry.value instanceof Uint8Array)) batch.bytes += entry.value.size;
}

function isFull(batch: Batch): boolean {
  return batch.bytes >= WINDOW_BYTES || batch.pending.length >= WINDOW_ENTRIES;
}

/** Empties the batch and fetches its values from overflow pages. */
async function resolveBatch(
  snapshot: Snapshot,
  batch: Batch,
  lazyAbove: number,
  signal: AbortSignal | undefined,
): Promise<LmdbEntry[]> {
  const { pending } = batch;
  batch.pending = [];
  batch.bytes = 0;
  const overflow: Overflow[] = [];
  for (const { value } of pending) if (!(value instanceof Uint8Array)) overflow.push(value);
  if (overflow.length === 0) return pending as LmdbEntry[];
  const fetched = await fetchOverflow(snapshot, overflow, lazyAbove, signal);
  let next = 0;
  return pending.map(({ key, value, database }) => ({
    key,
    value: value instanceof Uint8Array ? value : fetched[next++]!,
    database,
  }));
}

function checkOrder(page: Page, previous: Uint8Array | undefined, key: Uint8Array, reversed: boolean): void {
  if (previous !== undefined && compareKeys(previous, key, reversed) >= 0) {
    throw corrupt(page.file, page.number, 'its keys are out of order');
  }
}
