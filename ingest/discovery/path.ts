/** Components of a key below a store's own path, so that identity does not depend on where the root was. */
export function absolutePath(storeUri: string, key: string): string[] {
  const path = storeUri.replace(/^[a-z0-9+.-]+:\/*/i, '');
  return [...path.split('/'), ...key.split('/')].filter((part) => part !== '' && part !== '.');
}

/** Everything after the last component that is one of `anchors`; undefined when there is none. */
export function afterLast(
  path: readonly string[],
  anchors: readonly string[],
): readonly string[] | undefined {
  for (let i = path.length - 2; i >= 0; i--) {
    if (anchors.includes(path[i]!)) return path.slice(i + 1);
  }
  return undefined;
}

/** The path of a key from a directory, with `..` where it lies outside. */
export function relativeKey(directory: string, key: string): string {
  const from = directory === '' ? [] : directory.split('/');
  const to = key.split('/');
  let common = 0;
  while (common < from.length && common < to.length - 1 && from[common] === to[common]) common++;
  return [...from.slice(common).map(() => '..'), ...to.slice(common)].join('/');
}
