import {
  corrupt,
  DB_DUPFIXED,
  DB_DUPSORT,
  DB_RECORD,
  type DbRecord,
  F_BIGDATA,
  F_DUPDATA,
  F_SUBDATA,
  PAGE_HEADER,
  readDbRecord,
  u64,
} from './layout.ts';
import { checkSubPage, leafNodeAt, type Page } from './page.ts';
import { checkPageNumber, type Snapshot } from './snapshot.ts';

/** A value that lies in pages of its own. */
export interface Overflow {
  readonly page: number;
  readonly size: number;
  /** The leaf page that refers to it, for messages. */
  readonly from: number;
}

/** What a leaf node holds for its key. */
export type NodeContent =
  | { readonly kind: 'value'; readonly value: Uint8Array | Overflow }
  | { readonly kind: 'database'; readonly value: Uint8Array; readonly record: DbRecord }
  | { readonly kind: 'duplicates'; readonly page: Page }
  | { readonly kind: 'duplicateTree'; readonly record: DbRecord };

/** Reads node `index` of a leaf page of a tree with `treeFlags`. @throws LmdbError `LMDB_CORRUPT`, `TRUNCATED` */
export function readNode(snapshot: Snapshot, treeFlags: number, page: Page, index: number): NodeContent {
  const { bytes, file, number } = page;
  const { flags, size, dataStart } = leafNodeAt(page, index, F_BIGDATA);
  if (flags === 0) return { kind: 'value', value: bytes.subarray(dataStart, dataStart + size) };
  if (flags === F_BIGDATA) {
    const first = u64(bytes, dataStart);
    checkPageNumber(snapshot, first, overflowPages(snapshot, size), number);
    return { kind: 'value', value: { page: first, size, from: number } };
  }
  const value = bytes.subarray(dataStart, dataStart + size);
  const sorted = (treeFlags & DB_DUPSORT) !== 0;
  if (flags === F_SUBDATA && !sorted && size === DB_RECORD) {
    const record = readDbRecord(bytes, dataStart, file, number, snapshot.meta.lastPage);
    return { kind: 'database', value, record };
  }
  if (flags === (F_SUBDATA | F_DUPDATA) && sorted && size === DB_RECORD) {
    const record = readDbRecord(bytes, dataStart, file, number, snapshot.meta.lastPage);
    return { kind: 'duplicateTree', record };
  }
  if (flags === F_DUPDATA && sorted) {
    const duplicates = checkSubPage(value, number, file);
    checkDuplicatePage(duplicates, treeFlags);
    return { kind: 'duplicates', page: duplicates };
  }
  throw corrupt(file, number, `node ${index} has flags ${flags} and ${size} bytes of data`);
}

/** The pages that a value of `size` bytes occupies, with the header of the first. */
export function overflowPages(snapshot: Snapshot, size: number): number {
  return Math.ceil((PAGE_HEADER + size) / snapshot.meta.pageSize);
}

/** Duplicates are stored without nodes exactly in databases of fixed-size duplicates. */
export function checkDuplicatePage(page: Page, treeFlags: number): void {
  if (page.fixedSize > 0 !== ((treeFlags & DB_DUPFIXED) !== 0)) {
    throw corrupt(page.file, page.number, 'duplicates in the layout of another kind of database');
  }
}
