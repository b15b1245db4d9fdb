/**
 * How deeply JSON is nested, without recursion: what is checked here is what would overflow the stack of
 * everything that recurses. Stops counting beyond `enough`.
 */
export function nestingDepth(value: unknown, enough: number): number {
  let level: unknown[] = [value];
  let depth = 0;
  while (depth <= enough) {
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item === 'object' && item !== null)
        for (const child of Object.values(item)) next.push(child);
    }
    if (next.length === 0) return depth;
    level = next;
    depth++;
  }
  return depth;
}
