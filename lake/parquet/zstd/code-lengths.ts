/**
 * Lengths of an optimal prefix code whose codes have at most `limit` bits (package-merge: Larmore and Hirschberg,
 * "A fast algorithm for optimal length-limited Huffman codes", JACM 37, 1990).
 * @param counts how often each symbol occurs; at least two are not zero, at most `2 ** limit`
 * @returns bits of each symbol's code; 0 for one that does not occur
 */
export function codeLengths(counts: Uint32Array, limit: number): Uint8Array {
  const symbols: number[] = [];
  for (let s = 0; s < counts.length; s++) if (counts[s]! > 0) symbols.push(s);
  symbols.sort((a, b) => counts[a]! - counts[b]!);
  const leaves = symbols.map((s) => counts[s]!);
  // One list a bit of length: the leaves merged with pairs of the list before, by weight.
  const isLeaf: boolean[][] = [];
  let list: number[] = [];
  for (let bits = 0; bits < limit; bits++) {
    const pairs = list.length >> 1;
    const merged: number[] = [];
    const flags: boolean[] = [];
    for (let leaf = 0, pair = 0; leaf < leaves.length || pair < pairs; ) {
      const weight = pair < pairs ? list[2 * pair]! + list[2 * pair + 1]! : Number.POSITIVE_INFINITY;
      const takesLeaf = leaf < leaves.length && leaves[leaf]! <= weight;
      merged.push(takesLeaf ? leaves[leaf]! : weight);
      flags.push(takesLeaf);
      if (takesLeaf) leaf += 1;
      else pair += 1;
    }
    list = merged;
    isLeaf.push(flags);
  }
  const lengths = new Uint8Array(counts.length);
  for (let bits = limit - 1, taken = 2 * leaves.length - 2; bits >= 0; bits--) {
    let chosen = 0;
    for (let i = 0; i < taken; i++) if (isLeaf[bits]![i]) chosen += 1;
    for (let i = 0; i < chosen; i++) lengths[symbols[i]!]! += 1;
    taken = 2 * (taken - chosen);
  }
  return lengths;
}
