import { readCheckpoint } from '../log/checkpoint.ts';
import { CorruptLogError, VersionNotFoundError } from '../log/errors.ts';
import { versionAt } from '../log/load.ts';
import { commitKey, listLog } from '../log/log-files.ts';
import type { DeltaTable } from '../log/table.ts';
import type { CallOptions } from '../store/object-store.ts';

/**
 * Keys of commits and checkpoints that no version since `since` needs: everything before the newest readable checkpoint that
 * is not newer than the version of that time. Nothing when there is no such checkpoint. Oldest first, so that a deletion
 * that stops half-way leaves no gap.
 */
export async function expiredLogEntries(
  table: DeltaTable,
  since: Date,
  options: CallOptions = {},
): Promise<string[]> {
  const { store, root } = table;
  let needed: number;
  try {
    needed = await versionAt(store, root, since, options);
  } catch (error) {
    if (error instanceof VersionNotFoundError) return [];
    throw error;
  }
  const listing = await listLog(store, root, 0, options);
  for (const checkpoint of listing.checkpoints.toReversed()) {
    if (checkpoint.version > needed) continue;
    try {
      await readCheckpoint(store, checkpoint, () => {}, options);
    } catch (error) {
      if (error instanceof CorruptLogError) continue;
      throw error;
    }
    const commits = [...listing.commits.keys()]
      .filter((version) => version < checkpoint.version)
      .map((version) => ({ version, key: commitKey(root, version) }));
    const checkpoints = listing.checkpoints
      .filter(({ version }) => version < checkpoint.version)
      .flatMap(({ version, keys }) => keys.map((key) => ({ version, key })));
    return [...commits, ...checkpoints].sort((a, b) => a.version - b.version).map(({ key }) => key);
  }
  return [];
}
