import { InvalidArgumentError } from '../errors.ts';
import { VersionNotFoundError } from '../log/errors.ts';
import { loadVersion, newestVersion, oldestVersion, versionAt } from '../log/load.ts';
import { listLog, logPrefix, readCommits } from '../log/log-files.ts';
import { decodePath } from '../log/paths.ts';
import type { DeltaTable } from '../log/table.ts';
import type { CallOptions } from '../store/object-store.ts';
import { DEFAULT_LEASE_MS } from './compact.ts';
import { expiredLogEntries } from './log-cleanup.ts';

export interface VacuumOptions extends CallOptions {
  /** Versions that were the newest at some moment of this span stay readable. Milliseconds, default 7 days. */
  readonly retentionMs?: number;
  /** Objects younger than this are never touched: a running ingest may be about to commit them. Default 24 hours. */
  readonly leaseMs?: number;
  /**
   * Commits and checkpoints that only versions older than this need are deleted, once a newer checkpoint has been
   * verified. Default 30 days.
   */
  readonly logRetentionMs?: number;
  /** Only say what would be deleted. */
  readonly dryRun?: boolean;
  /** Allow spans below the safe minimum; only when nobody else uses the table. */
  readonly force?: boolean;
  readonly now?: () => number;
}

export interface VacuumResult {
  /** Keys of data files. */
  readonly deleted: readonly string[];
  readonly deletedBytes: number;
  /** Keys in `_delta_log`. */
  readonly deletedLogEntries: readonly string[];
  readonly dryRun: boolean;
}

const DAY_MS = 86_400_000;
export const DEFAULT_RETENTION_MS = 7 * DAY_MS;
export const DEFAULT_LOG_RETENTION_MS = 30 * DAY_MS;
/** Shorter than the longest query or job, a span would take files away under a reader. */
export const MIN_RETENTION_MS = DAY_MS;

/** Paths of every data file that some version of the retention span needs. */
async function neededPaths(table: DeltaTable, since: Date, options: CallOptions): Promise<Set<string>> {
  const { store, root } = table;
  let first: number;
  try {
    first = await versionAt(store, root, since, options);
  } catch (error) {
    if (!(error instanceof VersionNotFoundError)) throw error;
    first = oldestVersion(await listLog(store, root, 0, options)) ?? 0;
  }
  const needed = new Set((await loadVersion(store, root, first, options)).files.keys());
  const newest = newestVersion(await listLog(store, root, first, options));
  for await (const { actions } of readCommits(store, root, first + 1, newest, options)) {
    for (const { add } of actions) if (add) needed.add(decodePath(add.path));
  }
  return needed;
}

/**
 * Deletes data files that no version within the retention span needs, and expired log entries.
 * @throws InvalidArgumentError for spans below the safe minimum
 */
export async function vacuum(table: DeltaTable, options: VacuumOptions = {}): Promise<VacuumResult> {
  const { retentionMs = DEFAULT_RETENTION_MS, leaseMs = DEFAULT_LEASE_MS, dryRun = false } = options;
  const logRetentionMs = Math.max(options.logRetentionMs ?? DEFAULT_LOG_RETENTION_MS, retentionMs);
  const call: CallOptions = options.signal ? { signal: options.signal } : {};
  if (!options.force && Math.min(retentionMs, leaseMs) < MIN_RETENTION_MS) {
    throw new InvalidArgumentError('vacuum would delete files that running queries or ingests may need', {
      expected: `a retention and a lease of at least ${MIN_RETENTION_MS / 3_600_000} hours`,
      remedy: 'force it only when nobody else uses the table',
    });
  }
  const { store, root } = table;
  const now = (options.now ?? Date.now)();
  const log = logPrefix(root);
  const prefix = `${root}/`;
  // Objects first, log second: what was committed in between is then known as needed.
  const old: { key: string; path: string; size: number }[] = [];
  for await (const { key, size, modified } of store.list({ ...call, prefix })) {
    const path = key.slice(prefix.length);
    // Names that begin with _ or . belong to engines (Delta's convention).
    if (key.startsWith(log) || /(^|\/)[_.]/.test(path)) continue;
    if (modified.getTime() < now - leaseMs) old.push({ key, path, size });
  }
  await table.snapshot(call);
  const needed = await neededPaths(table, new Date(now - retentionMs), call);
  const doomed = old.filter(({ path }) => !needed.has(path));
  const deleted = doomed.map(({ key }) => key);
  const deletedLogEntries = await expiredLogEntries(table, new Date(now - logRetentionMs), call);
  if (!dryRun) {
    if (deleted.length > 0) await store.delete(deleted, call);
    if (deletedLogEntries.length > 0) await store.delete(deletedLogEntries, call);
  }
  return {
    deleted,
    deletedBytes: doomed.reduce((sum, { size }) => sum + size, 0),
    deletedLogEntries,
    dryRun,
  };
}
