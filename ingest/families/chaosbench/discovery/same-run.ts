import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { SourceTree } from '../../../family.ts';
import { MANIFEST_FILE } from '../files.ts';
import type { FoundDirectory } from './found.ts';

/**
 * Directories that hold the same run, best first. They are the same when their identities are, or when a published
 * directory has the manifest, byte by byte, of just one live directory of its name: the run was moved since.
 */
export async function groupByRun(
  tree: SourceTree,
  found: readonly FoundDirectory[],
  signal: AbortSignal | undefined,
): Promise<readonly (readonly FoundDirectory[])[]> {
  const groups = new Map<string, FoundDirectory[]>();
  const live = new Map<string, FoundDirectory[]>();
  for (const directory of found) {
    append(groups, directory.identity, directory);
    if (directory.kind === 'run') append(live, directory.name, directory);
  }
  for (const [identity, group] of groups) {
    if (group.some(({ kind }) => kind !== 'published')) continue;
    const origin = await originOf(tree, group[0]!, live.get(group[0]!.name) ?? [], signal);
    if (origin === undefined) continue;
    groups.get(origin.identity)!.push(...group);
    groups.delete(identity);
  }
  return [...groups.values()].map((group) => group.toSorted(byCompleteness));
}

/** With predictions before without, live before published, an interrupted run last. */
function byCompleteness(a: FoundDirectory, b: FoundDirectory): number {
  return rank(b) - rank(a);
}

function rank({ kind, hasPredictions }: FoundDirectory): number {
  if (kind === 'interrupted') return -1;
  return (hasPredictions ? 2 : 0) + (kind === 'run' ? 1 : 0);
}

function append<T>(groups: Map<string, T[]>, key: string, value: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [value]);
  else group.push(value);
}

async function originOf(
  tree: SourceTree,
  published: FoundDirectory,
  candidates: readonly FoundDirectory[],
  signal: AbortSignal | undefined,
): Promise<FoundDirectory | undefined> {
  const manifest = published.directory.files.get(MANIFEST_FILE);
  if (manifest === undefined) return undefined;
  const same: FoundDirectory[] = [];
  for (const candidate of candidates) {
    const other = candidate.directory.files.get(MANIFEST_FILE);
    if (other !== undefined && (await haveSameBytes(tree, manifest, other, signal))) same.push(candidate);
  }
  return same.length === 1 ? same[0] : undefined;
}

/** Manifests have a kilobyte; what has more is compared no further. */
const MAX_MANIFEST_BYTES = 1024 * 1024;

async function haveSameBytes(
  tree: SourceTree,
  a: ObjectInfo,
  b: ObjectInfo,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (a.size !== b.size || a.size > MAX_MANIFEST_BYTES) return false;
  const [left, right] = await Promise.all(
    [a, b].map(({ key }) => tree.store.get(key, signal ? { signal } : {})),
  );
  return Buffer.compare(left!, right!) === 0;
}
