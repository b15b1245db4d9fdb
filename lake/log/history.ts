import type { CallOptions, ObjectStore } from '../store/object-store.ts';
import { TableNotFoundError } from './errors.ts';
import { newestVersion } from './load.ts';
import { listLog, readCommit } from './log-files.ts';
import { commitTime } from './snapshot.ts';

export interface HistoryEntry {
  readonly version: number;
  readonly timestamp: Date;
  readonly operation: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly engineInfo: string | undefined;
  readonly addedFiles: number;
  readonly removedFiles: number;
}

/** The newest commits that are still in the log, newest first. @throws TableNotFoundError, CorruptLogError */
export async function history(
  { store, root }: { readonly store: ObjectStore; readonly root: string },
  limit = 20,
  options: CallOptions = {},
): Promise<HistoryEntry[]> {
  const listing = await listLog(store, root, 0, options);
  if (newestVersion(listing) < 0) throw new TableNotFoundError(root);
  const versions = [...listing.commits.keys()].sort((a, b) => b - a).slice(0, limit);
  return Promise.all(
    versions.map(async (version) => {
      const actions = await readCommit(store, root, version, options);
      const info = actions.find((action) => action.commitInfo)?.commitInfo;
      return {
        version,
        timestamp: commitTime(actions, listing.commits.get(version)!),
        operation: info?.operation ?? undefined,
        parameters: info?.operationParameters ?? {},
        metrics: info?.operationMetrics ?? {},
        engineInfo: info?.engineInfo ?? undefined,
        addedFiles: actions.filter((action) => action.add).length,
        removedFiles: actions.filter((action) => action.remove).length,
      };
    }),
  );
}
