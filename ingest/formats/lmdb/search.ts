import { compareKeys, corrupt, type DbRecord } from './layout.ts';
import { childAt, keyAt, type Page } from './page.ts';
import { keysReversed } from './scan.ts';
import { readPage, type Snapshot } from './snapshot.ts';

/** The leaf page that would hold `key`, and its index there when it does. */
export async function findKey(
  snapshot: Snapshot,
  tree: DbRecord,
  key: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<{ readonly page: Page; readonly index: number } | undefined> {
  if (tree.root === undefined) return undefined;
  const reversed = keysReversed(tree.flags);
  let number = tree.root;
  let from = tree.root;
  for (let level = 1; level < tree.depth; level++) {
    const page = await readPage(snapshot, number, 'branch', from, signal);
    from = number;
    number = childAt(page, Math.max(lastNotAbove(page, key, 1, reversed), 0));
  }
  const page = await readPage(snapshot, number, 'leaf', from, signal);
  if (page.fixedSize > 0) throw corrupt(page.file, page.number, 'fixed-size keys outside duplicates');
  const index = lastNotAbove(page, key, 0, reversed);
  if (index < 0 || compareKeys(keyAt(page, index), key, reversed) !== 0) return undefined;
  return { page, index };
}

/** The last index whose key is <= `key`, looking from `first` on; `first - 1` if there is none. */
function lastNotAbove(page: Page, key: Uint8Array, first: number, reversed: boolean): number {
  let low = first;
  let high = page.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keyAt(page, middle), key, reversed) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
