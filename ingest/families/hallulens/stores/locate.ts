import type { CallOptions, ObjectStore } from '../../../../lake/store/object-store.ts';
import type { SourceTree, StoreFormat, StoreRef } from '../../../family.ts';

/** Joins key components, leaving out empty ones. */
export function joinKey(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('/');
}

/** The store of a known format at a key. */
export function storeRef(format: StoreFormat, root: string): StoreRef {
  switch (format) {
    case 'lmdb':
      return { format, root, prefixes: [joinKey(root, 'data.mdb'), joinKey(`${root}_metadata`, 'data.mdb')] };
    case 'json_npy':
      return { format, root, prefixes: [joinKey(root, 'activations/'), joinKey(root, 'metadata.json')] };
    case 'zarr':
      // Not the derived `_memmap_cache`.
      return {
        format,
        root,
        prefixes: [joinKey(root, '.z'), joinKey(root, 'arrays/'), joinKey(root, 'meta/')],
      };
    case 'memmap':
      return { format, root, prefixes: [root === '' ? '' : `${root}/`] };
  }
}

const MARKERS: readonly { readonly format: StoreFormat; readonly inside: string; readonly file: string }[] = [
  { format: 'zarr', inside: '', file: '.zgroup' },
  { format: 'lmdb', inside: '', file: 'data.mdb' },
  { format: 'json_npy', inside: '', file: 'metadata.jsonl' },
  { format: 'json_npy', inside: '', file: 'metadata.json' },
  { format: 'memmap', inside: '', file: 'meta.jsonl' },
  // The loggers accept the directory that holds the store.
  { format: 'zarr', inside: 'activations.zarr', file: '.zgroup' },
  { format: 'lmdb', inside: 'activations.lmdb', file: 'data.mdb' },
];

/** The activation store at a key, told by the files in it; undefined when there is none. */
export async function detectStore(
  store: ObjectStore,
  key: string,
  expected: string | undefined,
  options: CallOptions,
): Promise<StoreRef | undefined> {
  const ordered = [
    ...MARKERS.filter((marker) => marker.format === expected),
    ...MARKERS.filter((marker) => marker.format !== expected),
  ];
  for (const { format, inside, file } of ordered) {
    const root = joinKey(key, inside);
    if ((await store.head(joinKey(root, file), options)) !== undefined) return storeRef(format, root);
  }
  return undefined;
}

/** Where earlier runs of the same tree found their stores: tried first, because runs of a tree agree. */
const lastBase = new WeakMap<ObjectStore, string>();

function* ancestors(key: string): Generator<string> {
  const parts = key.split('/').filter((part) => part !== '');
  for (let n = parts.length; n >= 0; n--) yield parts.slice(0, n).join('/');
}

/**
 * Finds the store that a run's configuration names. A relative path is tried from the run's directory and each
 * directory above it; an absolute path was recorded on another machine, so its suffixes are tried likewise.
 * Paths with `..` lead nowhere.
 */
export async function resolveStore(
  tree: SourceTree,
  runRoot: string,
  recorded: string,
  expected: string | undefined,
  signal: AbortSignal | undefined,
): Promise<StoreRef | undefined> {
  const options = signal === undefined ? {} : { signal };
  const absolute = /^([a-z0-9+.-]+:\/)?\//i.test(recorded);
  const parts = recorded
    .replace(/^[a-z0-9+.-]+:\/\//i, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..')) return undefined;
  const suffixes = absolute
    ? parts.map((_, i) => parts.slice(i).join('/')).slice(0, Math.max(1, parts.length - 1))
    : [parts.join('/')];
  const hint = lastBase.get(tree.store);
  const bases = [...(hint === undefined ? [] : [hint]), ...ancestors(runRoot)];
  for (const suffix of suffixes) {
    for (const base of bases) {
      const found = await detectStore(tree.store, joinKey(base, suffix), expected, options);
      if (found !== undefined) {
        lastBase.set(tree.store, base);
        return found;
      }
    }
  }
  return undefined;
}
