/**
 * Numbers the groups of items that share a key, directly or through others; an item without keys is a group of its own.
 * @returns group of every item, from 0 in order of first appearance
 */
export function groupsSharing(items: readonly (readonly string[])[]): Int32Array {
  const parents = Int32Array.from(items, (_, i) => i);
  const root = (item: number): number => {
    let at = item;
    while (parents[at] !== at) {
      // Halving the path keeps it short.
      parents[at] = parents[parents[at]!]!;
      at = parents[at]!;
    }
    return at;
  };
  const holders = new Map<string, number>();
  for (const [i, keys] of items.entries()) {
    for (const key of keys) {
      const holder = holders.get(key);
      if (holder === undefined) holders.set(key, i);
      else parents[root(i)] = root(holder);
    }
  }
  const numbers = new Map<number, number>();
  return Int32Array.from(items, (_, i) => {
    const group = numbers.get(root(i)) ?? numbers.size;
    numbers.set(root(i), group);
    return group;
  });
}
