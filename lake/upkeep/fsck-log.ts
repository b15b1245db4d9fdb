import { messageOf } from '../errors.ts';
import type { Action } from '../log/actions.ts';
import { readCheckpoint } from '../log/checkpoint.ts';
import { CorruptLogError, UnsupportedTableError } from '../log/errors.ts';
import { newestVersion } from '../log/load.ts';
import {
  type CheckpointFiles,
  commitKey,
  type LogListing,
  lastCheckpointKey,
  listLog,
  readCheckpointHint,
  readCommit,
} from '../log/log-files.ts';
import { decodePath } from '../log/paths.ts';
import { Replay, type Snapshot } from '../log/snapshot.ts';
import type { CallOptions, ObjectStore } from '../store/object-store.ts';
import { finding, type Problem } from './findings.ts';

/** What the whole log says, beyond the newest snapshot. */
export interface LogReport {
  readonly problems: readonly Problem[];
  /** Decoded paths of every data file that some commit or checkpoint in the log names. */
  readonly mentioned: ReadonlySet<string>;
}

function duplicates(
  root: string,
  version: number,
  actions: readonly Action[],
  live: ReadonlySet<string>,
): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const removed = new Set(actions.flatMap(({ remove }) => (remove ? [decodePath(remove.path)] : [])));
  for (const { add, remove } of actions) {
    const action = add ?? remove;
    if (!action) continue;
    const path = decodePath(action.path);
    const again = seen.has(path) || (add !== undefined && live.has(path) && !removed.has(path));
    seen.add(path);
    if (!again) continue;
    const message = `version ${version} names ${path} twice, or adds it while it is live`;
    problems.push({ finding: finding('DUPLICATE_PATH', root, commitKey(root, version), message) });
  }
  return problems;
}

/** A text that is equal for equal states: live files with what is said about them, transactions, metadata. */
function fingerprint(snapshot: Snapshot): string {
  const files = [...snapshot.files.values()].map((file) =>
    JSON.stringify([file.path, file.size, file.stats ?? null, Object.entries(file.tags ?? {}).sort()]),
  );
  const txns = [...snapshot.txns.values()].map(({ appId, version }) => JSON.stringify([appId, version]));
  const { id, schemaString, configuration } = snapshot.metadata;
  const metadata = JSON.stringify([id, schemaString, Object.entries(configuration ?? {}).sort()]);
  return [...files.sort(), ...txns.sort(), metadata].join('\n');
}

async function loadCheckpoint(
  store: ObjectStore,
  root: string,
  checkpoint: CheckpointFiles,
  options: CallOptions,
): Promise<Snapshot | CorruptLogError> {
  try {
    const replay = new Replay(root);
    await readCheckpoint(store, checkpoint, (action) => replay.apply(action), options);
    return replay.finish(checkpoint.version, checkpoint.modified);
  } catch (error) {
    if (error instanceof CorruptLogError) return error;
    throw error;
  }
}

async function checkHint(
  store: ObjectStore,
  root: string,
  listing: LogListing,
  options: CallOptions,
): Promise<Problem[]> {
  const newest = listing.checkpoints.at(-1)?.version;
  const hint = await readCheckpointHint(store, root, options);
  const exists = hint !== undefined && listing.checkpoints.some(({ version }) => version === hint);
  if (
    exists ||
    (hint === undefined && newest === undefined && !(await store.head(lastCheckpointKey(root), options)))
  ) {
    return [];
  }
  const message =
    hint === undefined
      ? 'the hint to the newest checkpoint is missing or unreadable'
      : `the hint names checkpoint ${hint}, which does not exist`;
  return [{ finding: finding('CHECKPOINT_HINT', root, lastCheckpointKey(root), message) }];
}

/** Checks commits and checkpoints against each other by replaying the log from its beginning. */
export async function checkLog(
  store: ObjectStore,
  root: string,
  options: CallOptions = {},
): Promise<LogReport> {
  const listing = await listLog(store, root, 0, options);
  const newest = newestVersion(listing);
  const problems: Problem[] = [];
  const mentioned = new Set<string>();
  const checkpoints = new Map(listing.checkpoints.map((checkpoint) => [checkpoint.version, checkpoint]));
  const oldest = Math.min(...listing.commits.keys(), ...checkpoints.keys());
  let replay: Replay | undefined = oldest === 0 ? new Replay(root) : undefined;
  let live = new Set<string>();
  for (let version = oldest; version <= newest; version++) {
    let actions: Action[] | undefined;
    if (listing.commits.has(version)) {
      try {
        actions = await readCommit(store, root, version, options);
        problems.push(...(replay ? duplicates(root, version, actions, live) : []));
        for (const action of actions) {
          replay?.apply(action);
          const file = action.add ?? action.remove;
          if (file) mentioned.add(decodePath(file.path));
          if (action.add) live.add(decodePath(action.add.path));
          if (action.remove) live.delete(decodePath(action.remove.path));
        }
      } catch (error) {
        if (!(error instanceof CorruptLogError || error instanceof UnsupportedTableError)) throw error;
        problems.push({
          finding: finding('COMMIT_INVALID', root, commitKey(root, version), messageOf(error)),
        });
        actions = undefined;
      }
    } else if (version > oldest || !checkpoints.has(version)) {
      problems.push({
        finding: finding('LOG_GAP', root, commitKey(root, version), `commit ${version} is missing`),
      });
    }
    // Without this commit, or without the ones before, only a checkpoint gives the state again.
    if (actions === undefined) replay = undefined;
    const checkpoint = checkpoints.get(version);
    if (!checkpoint) continue;
    const state = await loadCheckpoint(store, root, checkpoint, options);
    const key = checkpoint.keys[0]!;
    if (state instanceof CorruptLogError) {
      problems.push({
        finding: finding('CHECKPOINT_UNREADABLE', root, key, messageOf(state), replay !== undefined),
        checkpoint: version,
      });
      continue;
    }
    for (const path of [...state.files.keys(), ...state.tombstones.keys()]) mentioned.add(path);
    const replayed = replay?.finish(version, checkpoint.modified);
    if (!replayed) {
      replay = new Replay(root, state);
      live = new Set(state.files.keys());
    } else if (fingerprint(replayed) !== fingerprint(state)) {
      const message = `checkpoint ${version} has ${state.files.size} files, the commits give ${replayed.files.size}, or they differ in what they say`;
      problems.push({ finding: finding('CHECKPOINT_MISMATCH', root, key, message), checkpoint: version });
      replay = new Replay(root, replayed);
    } else {
      replay = new Replay(root, replayed);
    }
  }
  problems.push(...(await checkHint(store, root, listing, options)));
  return { problems, mentioned };
}

/** The state that the commits alone give, whatever checkpoints say; undefined when commits are missing. */
export async function replayCommitsOnly(
  store: ObjectStore,
  root: string,
  version: number,
  options: CallOptions = {},
): Promise<Snapshot | undefined> {
  const { commits } = await listLog(store, root, 0, options);
  const replay = new Replay(root);
  for (let v = 0; v <= version; v++) {
    if (!commits.has(v)) return undefined;
    for (const action of await readCommit(store, root, v, options)) replay.apply(action);
  }
  return replay.finish(version, commits.get(version) ?? new Date(0));
}
