import { FormatError, type FormatErrorDetails, type FormatSubcode } from '../errors.ts';

/** Bytes before the content of every page: page number u64, pad u16, flags u16, lower u16 and upper u16 (or pages u32). */
export const PAGE_HEADER = 16;
/** Bytes before a node's key: lo u16, hi u16, flags u16, key size u16. */
export const NODE_HEADER = 8;
/** Bytes of a database record: pad u32, flags u16, depth u16, branch, leaf, overflow pages, entries, root u64. */
export const DB_RECORD = 48;
/** LMDB's own cursors hold no deeper path, so no file it can read is deeper. */
export const MAX_DEPTH = 32;

export const P_BRANCH = 0x01;
export const P_LEAF = 0x02;
export const P_OVERFLOW = 0x04;
export const P_META = 0x08;
/** A leaf of equally long keys without nodes; their size is in the header's pad. */
export const P_LEAF2 = 0x20;
/** A small page of duplicates inside a node's data. */
export const P_SUBP = 0x40;

/** The node's data is the number of the first overflow page. */
export const F_BIGDATA = 0x01;
/** The node's data is a database record: a named database, or with `F_DUPDATA` a tree of duplicates. */
export const F_SUBDATA = 0x02;
export const F_DUPDATA = 0x04;

export const DB_REVERSEKEY = 0x02;
export const DB_DUPSORT = 0x04;
export const DB_INTEGERKEY = 0x08;
export const DB_DUPFIXED = 0x10;
export const DB_INTEGERDUP = 0x20;
export const DB_REVERSEDUP = 0x40;

/** The store's bytes contradict LMDB's format. `page` is the number of the offending page. */
export class LmdbError extends FormatError {
  readonly page: number | undefined;
  constructor(
    subcode: FormatSubcode,
    message: string,
    details: FormatErrorDetails & { readonly page?: number } = {},
  ) {
    super(subcode, message, details);
    this.page = details.page;
  }
}

/** An `LMDB_CORRUPT` error about one page of a file. */
export function corrupt(file: string, page: number, what: string): LmdbError {
  return new LmdbError('LMDB_CORRUPT', `${file}: page ${page}: ${what}`, {
    page,
    where: { file },
    remedy: 'the store is damaged; copy it again from its origin, or recover what is left with mdb_dump',
  });
}

/** Unsigned 16-bit number, little-endian; `at` is within the bytes. */
export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** Unsigned 32-bit number, little-endian; `at` is within the bytes. */
export function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;
}

/** Inexact above 2^53, which is past every file; the callers' bounds checks refuse such values. */
export function u64(bytes: Uint8Array, at: number): number {
  return u32(bytes, at) + u32(bytes, at + 4) * 0x1_0000_0000;
}

/** The record of one B+ tree: a database or the duplicates of one key. */
export interface DbRecord {
  /** Size of a duplicate in a `DB_DUPFIXED` tree. */
  readonly pad: number;
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** Undefined when the tree is empty. */
  readonly root: number | undefined;
}

/** Reads a record and checks that its numbers can be true in a file of `lastPage + 1` pages. */
export function readDbRecord(
  bytes: Uint8Array,
  at: number,
  file: string,
  page: number,
  lastPage: number,
): DbRecord {
  const empty = u32(bytes, at + 40) === 0xffff_ffff && u32(bytes, at + 44) === 0xffff_ffff;
  const record = {
    pad: u32(bytes, at),
    flags: u16(bytes, at + 4),
    depth: u16(bytes, at + 6),
    branchPages: u64(bytes, at + 8),
    leafPages: u64(bytes, at + 16),
    overflowPages: u64(bytes, at + 24),
    entries: u64(bytes, at + 32),
    root: empty ? undefined : u64(bytes, at + 40),
  };
  if (empty) {
    if (record.entries !== 0)
      throw corrupt(file, page, `a tree without root claims ${record.entries} entries`);
    return record;
  }
  if (record.root! < 2 || record.root! > lastPage) throw corrupt(file, page, `no root page ${record.root}`);
  if (record.depth < 1 || record.depth > MAX_DEPTH) throw corrupt(file, page, `tree depth ${record.depth}`);
  if (!Number.isSafeInteger(record.entries)) throw corrupt(file, page, `${record.entries} entries`);
  return record;
}

/**
 * LMDB's order of two keys: bytes, then length; or from the last byte backwards (`reversed`), which is also the
 * order of little-endian integers of one size.
 */
export function compareKeys(a: Uint8Array, b: Uint8Array, reversed: boolean): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = reversed ? a[a.length - 1 - i]! : a[i]!;
    const y = reversed ? b[b.length - 1 - i]! : b[i]!;
    if (x !== y) return x - y;
  }
  return a.length - b.length;
}
