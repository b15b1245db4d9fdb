import {
  corrupt,
  NODE_HEADER,
  P_BRANCH,
  P_LEAF,
  P_LEAF2,
  P_META,
  P_OVERFLOW,
  P_SUBP,
  PAGE_HEADER,
  u16,
  u32,
  u64,
} from './layout.ts';

/** A checked branch or leaf page (or a sub-page of duplicates): every node lies inside `bytes`. */
export interface Page {
  readonly file: string;
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Size of the keys of a `P_LEAF2` page; 0 for pages of nodes. */
  readonly fixedSize: number;
}

export type PageKind = 'branch' | 'leaf';

/**
 * Checks a page's header and the bounds of all its nodes.
 * @throws LmdbError `LMDB_CORRUPT`
 */
export function checkPage(bytes: Uint8Array, number: number, kind: PageKind, file: string): Page {
  if (u64(bytes, 0) !== number) throw corrupt(file, number, `it says that it is page ${u64(bytes, 0)}`);
  const flags = u16(bytes, 10);
  const wanted = kind === 'branch' ? P_BRANCH : P_LEAF;
  if ((flags & (P_BRANCH | P_LEAF | P_OVERFLOW | P_META | P_SUBP)) !== wanted) {
    throw corrupt(file, number, `expected a ${kind} page, found flags 0x${flags.toString(16)}`);
  }
  return checkNodes(bytes, number, kind, flags, file);
}

/** Checks the duplicates that lie inside a node of page `number`. */
export function checkSubPage(bytes: Uint8Array, number: number, file: string): Page {
  if (bytes.length < PAGE_HEADER) throw corrupt(file, number, `a sub-page of ${bytes.length} bytes`);
  const flags = u16(bytes, 10);
  if ((flags & (P_BRANCH | P_LEAF | P_OVERFLOW | P_META | P_SUBP)) !== (P_LEAF | P_SUBP)) {
    throw corrupt(file, number, `a sub-page with flags 0x${flags.toString(16)}`);
  }
  return checkNodes(bytes, number, 'leaf', flags, file);
}

function checkNodes(bytes: Uint8Array, number: number, kind: PageKind, flags: number, file: string): Page {
  const lower = u16(bytes, 12);
  const count = (lower - PAGE_HEADER) >> 1;
  const fixed = (flags & P_LEAF2) !== 0;
  // Pages of fixed keys have no node table, only its would-be size: with 1-byte keys it may pass the page's end.
  if (lower < PAGE_HEADER || (lower & 1) === 1 || (lower > bytes.length && !fixed)) {
    throw corrupt(file, number, `its node table ends at ${lower}`);
  }
  if (count < 1) throw corrupt(file, number, `an empty ${kind} page`);
  if (fixed) {
    const fixedSize = u16(bytes, 8);
    if (kind === 'branch' || fixedSize === 0 || PAGE_HEADER + count * fixedSize > bytes.length) {
      throw corrupt(file, number, `${count} fixed keys of ${fixedSize} bytes do not fit`);
    }
    return { file, number, bytes, count, fixedSize };
  }
  for (let i = 0; i < count; i++) {
    const at = u16(bytes, PAGE_HEADER + 2 * i);
    if (at < lower || at + NODE_HEADER > bytes.length) throw corrupt(file, number, `node ${i} is at ${at}`);
    if (at + NODE_HEADER + u16(bytes, at + 6) > bytes.length) {
      throw corrupt(file, number, `the key of node ${i} leaves the page`);
    }
  }
  return { file, number, bytes, count, fixedSize: 0 };
}

/** Where in the page node `index` begins, in bytes. */
export function nodeAt(page: Page, index: number): number {
  return u16(page.bytes, PAGE_HEADER + 2 * index);
}

/** Key `index` of a page, a view. The first key of a branch page is empty: it stands for everything smaller. */
export function keyAt(page: Page, index: number): Uint8Array {
  if (page.fixedSize > 0) {
    const start = PAGE_HEADER + index * page.fixedSize;
    return page.bytes.subarray(start, start + page.fixedSize);
  }
  const at = nodeAt(page, index) + NODE_HEADER;
  return page.bytes.subarray(at, at + u16(page.bytes, at - 2));
}

/** The page below node `index` of a branch page: 48 bits over the node's lo, hi and flags. */
export function childAt(page: Page, index: number): number {
  const at = nodeAt(page, index);
  return u32(page.bytes, at) + u16(page.bytes, at + 4) * 0x1_0000_0000;
}

export interface LeafNode {
  readonly flags: number;
  /** Size of the data; for `F_BIGDATA` that of the value in the overflow pages. */
  readonly size: number;
  /** Where the data (or the overflow page's number) starts in the page. */
  readonly dataStart: number;
}

/** The header of node `index` of a leaf page, its data checked to lie `inlineBytes` deep inside the page. */
export function leafNodeAt(page: Page, index: number, bigDataFlag: number): LeafNode {
  const { bytes } = page;
  const at = nodeAt(page, index);
  const flags = u16(bytes, at + 4);
  const size = u32(bytes, at);
  const dataStart = at + NODE_HEADER + u16(bytes, at + 6);
  const inline = (flags & bigDataFlag) !== 0 ? 8 : size;
  if (dataStart + inline > bytes.length) {
    throw corrupt(page.file, page.number, `the data of node ${index} (${inline} bytes) leaves the page`);
  }
  return { flags, size, dataStart };
}
