import type { CallOptions, ObjectStore } from '../store/object-store.ts';
import { ObjectNotFoundError } from '../store/object-store.ts';
import type { Action } from './actions.ts';
import { readCheckpoint } from './checkpoint.ts';
import { CorruptLogError, TableNotFoundError, VersionNotFoundError } from './errors.ts';
import {
  type CheckpointFiles,
  type LogListing,
  listLog,
  readCheckpointHint,
  readCommit,
  readCommits,
} from './log-files.ts';
import { applyCommit, commitTime, Replay, type Snapshot } from './snapshot.ts';

/** The last commit of the unbroken row of commits `from, from + 1, …`; `from - 1` when there is none. */
function lastContiguous(listing: LogListing, from: number): number {
  let version = from - 1;
  while (listing.commits.has(version + 1)) version += 1;
  return version;
}

/** The newest version that a listing knows of; -1 when it knows none. */
export function newestVersion(listing: LogListing): number {
  let newest = listing.checkpoints.at(-1)?.version ?? -1;
  for (const version of listing.commits.keys()) newest = Math.max(newest, version);
  return newest;
}

async function replayCommits(
  store: ObjectStore,
  root: string,
  listing: LogListing,
  base: { replay: Replay; version: number; timestamp: Date },
  last: number,
  options: CallOptions,
): Promise<Snapshot> {
  let { version, timestamp } = base;
  for await (const commit of readCommits(store, root, base.version + 1, last, options)) {
    for (const action of commit.actions) base.replay.apply(action);
    version = commit.version;
    timestamp = commitTime(commit.actions, listing.commits.get(commit.version) ?? new Date(0));
  }
  return base.replay.finish(version, timestamp);
}

/** The commit's own time where the commit is still in the log, else the time of the checkpoint. */
async function checkpointTime(
  store: ObjectStore,
  root: string,
  listing: LogListing,
  checkpoint: CheckpointFiles,
  options: CallOptions,
): Promise<Date> {
  const stored = listing.commits.get(checkpoint.version);
  if (stored === undefined) return checkpoint.modified;
  return commitTime(await readCommit(store, root, checkpoint.version, options), stored);
}

interface FromListing {
  readonly snapshot?: Snapshot;
  /** Why a checkpoint could not be used. */
  readonly unusable?: unknown;
}

/** Builds version `wanted` (the newest when undefined) from what a listing offers; no snapshot when it does not suffice. */
async function fromListing(
  store: ObjectStore,
  root: string,
  listing: LogListing,
  wanted: number | undefined,
  options: CallOptions,
): Promise<FromListing> {
  const newest = newestVersion(listing);
  const target = wanted ?? newest;
  let unusable: unknown;
  for (const checkpoint of listing.checkpoints.toReversed()) {
    if (checkpoint.version > target) continue;
    if (lastContiguous(listing, checkpoint.version + 1) < target) continue;
    try {
      const replay = new Replay(root);
      await readCheckpoint(store, checkpoint, (action) => replay.apply(action), options);
      const timestamp = await checkpointTime(store, root, listing, checkpoint, options);
      const base = { replay, version: checkpoint.version, timestamp };
      return { snapshot: await replayCommits(store, root, listing, base, target, options) };
    } catch (error) {
      if (!(error instanceof CorruptLogError || error instanceof ObjectNotFoundError)) throw error;
      // An older checkpoint, or the commits from the start, may still give the state.
      unusable ??= error;
    }
  }
  if (target >= 0 && lastContiguous(listing, 0) >= target) {
    const base = { replay: new Replay(root), version: -1, timestamp: new Date(0) };
    return { snapshot: await replayCommits(store, root, listing, base, target, options) };
  }
  return { unusable };
}

/**
 * Loads the newest version, starting from the checkpoint that `_last_checkpoint` hints at; a missing, wrong or stale hint
 * only costs a longer listing.
 * @throws TableNotFoundError, CorruptLogError, UnsupportedTableError
 */
export async function loadNewest(
  store: ObjectStore,
  root: string,
  options: CallOptions = {},
): Promise<Snapshot> {
  const hint = await readCheckpointHint(store, root, options);
  if (hint !== undefined) {
    const listing = await listLog(store, root, hint, options);
    if (listing.checkpoints.length > 0) {
      const { snapshot } = await fromListing(store, root, listing, undefined, options);
      if (snapshot) return snapshot;
    }
  }
  const listing = await listLog(store, root, 0, options);
  if (newestVersion(listing) < 0) throw new TableNotFoundError(root);
  const { snapshot, unusable } = await fromListing(store, root, listing, undefined, options);
  if (!snapshot) throw unreachable(root, newestVersion(listing), unusable);
  return snapshot;
}

/**
 * Loads one version.
 * @throws VersionNotFoundError when it was never committed or its log entries have been removed
 */
export async function loadVersion(
  store: ObjectStore,
  root: string,
  version: number,
  options: CallOptions = {},
): Promise<Snapshot> {
  const listing = await listLog(store, root, 0, options);
  const newest = newestVersion(listing);
  if (newest < 0) throw new TableNotFoundError(root);
  if (version > newest) {
    throw new VersionNotFoundError(`table ${root} has no version ${version} yet`, {
      expected: `a version of at most ${newest}`,
    });
  }
  const { snapshot, unusable } = await fromListing(store, root, listing, version, options);
  if (snapshot) return snapshot;
  if (unusable !== undefined) throw unreachable(root, version, unusable);
  if (hasGapBelow(listing, version)) throw unreachable(root, version, undefined);
  throw new VersionNotFoundError(`version ${version} of table ${root} has been removed from the log`, {
    expected: `a version of at least ${oldestVersion(listing)}`,
  });
}

/** The oldest version that can still be built; undefined when none can. */
export function oldestVersion(listing: LogListing): number | undefined {
  if (listing.commits.has(0)) return 0;
  return listing.checkpoints[0]?.version;
}

function hasGapBelow(listing: LogListing, version: number): boolean {
  const oldest = oldestVersion(listing);
  return oldest !== undefined && oldest <= version;
}

function unreachable(root: string, version: number, cause: unknown): CorruptLogError {
  return new CorruptLogError(
    `version ${version} of table ${root} cannot be built: commits or checkpoints are missing`,
    {
      expected: 'all commits since the start or since a readable checkpoint',
      where: { file: root },
      remedy: 'run `runlake lake fsck`',
      cause,
    },
  );
}

/**
 * The newest version, reading only what was committed since `base`.
 * @throws CorruptLogError, UnsupportedTableError
 */
export async function advance(
  store: ObjectStore,
  base: Snapshot,
  options: CallOptions = {},
): Promise<Snapshot> {
  const { root } = base;
  const listing = await listLog(store, root, base.version + 1, options);
  const newest = newestVersion(listing);
  if (newest <= base.version) return base;
  // Commits that we need may be gone when the log was cleaned up behind a checkpoint.
  if (lastContiguous(listing, base.version + 1) < newest) return loadNewest(store, root, options);
  const start = { replay: new Replay(root, base), version: base.version, timestamp: base.timestamp };
  return replayCommits(store, root, listing, start, newest, options);
}

/** Commits that are worth asking for one by one before a listing is cheaper. */
const FOLLOWED_COMMITS = 4;

/**
 * The newest version, found by asking for the commits after `base` one by one: when there is none, which is the usual
 * case, that is one cheap request instead of a listing. Only for a `base` that was known to be in the log recently:
 * behind a log that was cleaned up, a missing commit would not mean that there are no newer ones.
 * @throws CorruptLogError, UnsupportedTableError
 */
export async function follow(
  store: ObjectStore,
  base: Snapshot,
  options: CallOptions = {},
): Promise<Snapshot> {
  let snapshot = base;
  for (let read = 0; read < FOLLOWED_COMMITS; read++) {
    const actions = await commitAfter(store, snapshot, options);
    if (actions === undefined) return snapshot;
    const time = actions.find((action) => action.commitInfo)?.commitInfo?.timestamp;
    // Without a time of its own a commit has its object's, which a listing tells.
    if (typeof time !== 'number') break;
    snapshot = applyCommit(snapshot, actions, commitTime(actions, snapshot.timestamp));
  }
  return advance(store, snapshot, options);
}

async function commitAfter(
  store: ObjectStore,
  { root, version }: Snapshot,
  options: CallOptions,
): Promise<Action[] | undefined> {
  try {
    return await readCommit(store, root, version + 1, options);
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined;
    throw error;
  }
}

/**
 * The newest version that was committed at or before `time`.
 * @throws VersionNotFoundError when the table (or what is left of its log) begins later
 */
export async function versionAt(
  store: ObjectStore,
  root: string,
  time: Date,
  options: CallOptions = {},
): Promise<number> {
  const listing = await listLog(store, root, 0, options);
  if (newestVersion(listing) < 0) throw new TableNotFoundError(root);
  const versions = [...listing.commits.keys()].sort((a, b) => a - b);
  // Commit times increase with the version (see `commitTime`), so a binary search reads few commits.
  let [low, high] = [0, versions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const version = versions[middle]!;
    const actions = await readCommit(store, root, version, options);
    if (commitTime(actions, listing.commits.get(version)!).getTime() <= time.getTime()) low = middle + 1;
    else high = middle;
  }
  const found = versions[low - 1];
  if (found !== undefined) return found;
  throw new VersionNotFoundError(`table ${root} has no version as old as ${time.toISOString()}`, {
    expected: 'a time at or after the oldest commit in the log',
  });
}
