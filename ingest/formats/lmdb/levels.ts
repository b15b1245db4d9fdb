import { ahead } from '../bytes/ahead.ts';
import { readExtents } from '../bytes/read-extents.ts';
import { compareKeys, corrupt, type DbRecord } from './layout.ts';
import { checkPage, childAt, keyAt, type Page, type PageKind } from './page.ts';
import { checkPageNumber, type PageBudget, type Snapshot, spendPages } from './snapshot.ts';

/** Pages fetched together: the first windows are small, so that a look at the first entries stays cheap. */
const FIRST_WINDOW = 8;
const LARGEST_WINDOW = 256;

export interface Walk {
  readonly snapshot: Snapshot;
  readonly budget: PageBudget;
  /** The tree's keys are compared from their last byte. */
  readonly reversed: boolean;
  /** Subtrees that hold only keys up to this one are left out. */
  readonly after: Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * The leaf pages of a tree in key order, in windows of pages that were fetched together. All branch pages of a
 * level are walked the same way, one window ahead of their children, so a scan costs few requests and holds at
 * most two windows a level.
 */
export function leafWindows(walk: Walk, tree: DbRecord): AsyncGenerator<Page[], void, undefined> {
  return levelWindows(walk, tree, tree.depth);
}

async function* levelWindows(
  walk: Walk,
  tree: DbRecord,
  level: number,
): AsyncGenerator<Page[], void, undefined> {
  if (tree.root === undefined) return;
  const kind: PageKind = level === tree.depth ? 'leaf' : 'branch';
  if (level === 1) {
    yield await fetchPages(walk, [tree.root], kind, tree.root);
    return;
  }
  let size = FIRST_WINDOW;
  for await (const parents of ahead(levelWindows(walk, tree, level - 1), 1)) {
    const children: number[] = [];
    for (const parent of parents) pushChildren(walk, parent, children);
    for (let start = 0; start < children.length; ) {
      yield await fetchPages(walk, children.slice(start, start + size), kind, parents[0]!.number);
      start += size;
      size = Math.min(size * 2, LARGEST_WINDOW);
    }
  }
}

function pushChildren(walk: Walk, page: Page, into: number[]): void {
  for (let i = 0; i < page.count; i++) {
    const next = i + 1 < page.count ? keyAt(page, i + 1) : undefined;
    if (next !== undefined && i > 0 && compareKeys(keyAt(page, i), next, walk.reversed) >= 0) {
      throw corrupt(page.file, page.number, `its keys ${i} and ${i + 1} are out of order`);
    }
    if (walk.after !== undefined && next !== undefined && compareKeys(next, walk.after, walk.reversed) <= 0)
      continue;
    const child = childAt(page, i);
    checkPageNumber(walk.snapshot, child, 1, page.number);
    into.push(child);
  }
}

async function fetchPages(walk: Walk, numbers: number[], kind: PageKind, from: number): Promise<Page[]> {
  const { snapshot, signal } = walk;
  const { pageSize } = snapshot.meta;
  for (const number of numbers) checkPageNumber(snapshot, number, 1, from);
  spendPages(walk.budget, numbers.length, snapshot, from);
  const extents = numbers.map((number) => ({ start: number * pageSize, end: (number + 1) * pageSize }));
  const pages = await readExtents(snapshot.scanned, extents, signal === undefined ? {} : { signal });
  return pages.map((bytes, i) => checkPage(bytes, numbers[i]!, kind, snapshot.file));
}
