import { z } from 'zod';
import { CancelledError } from '../errors.ts';
import type { CallOptions, ObjectStore } from '../store/object-store.ts';
import { ObjectNotFoundError } from '../store/object-store.ts';
import { type Action, parseCommit } from './actions.ts';

/** Decimal digits of a version in the names of the log. */
const DIGITS = 20;

/** Prefix of a table's log. */
export function logPrefix(root: string): string {
  return `${root}/_delta_log/`;
}

function padded(version: number): string {
  return String(version).padStart(DIGITS, '0');
}

/** Key of the commit that makes a version. */
export function commitKey(root: string, version: number): string {
  return `${logPrefix(root)}${padded(version)}.json`;
}

/** Key of a checkpoint in one part. */
export function checkpointKey(root: string, version: number): string {
  return `${logPrefix(root)}${padded(version)}.checkpoint.parquet`;
}

/** Key of the object that names the newest checkpoint. */
export function lastCheckpointKey(root: string): string {
  return `${logPrefix(root)}_last_checkpoint`;
}

/** A complete checkpoint: one object, or all parts of a multi-part one, in order. */
export interface CheckpointFiles {
  readonly version: number;
  readonly keys: readonly string[];
  readonly modified: Date;
}

/** What a listing of `_delta_log` says. */
export interface LogListing {
  /** When the commit's object was stored, by version, ascending. */
  readonly commits: ReadonlyMap<number, Date>;
  /** Complete checkpoints, ascending. */
  readonly checkpoints: readonly CheckpointFiles[];
}

const NAME = /^(\d{20})\.(?:json|checkpoint\.parquet|checkpoint\.(\d{10})\.(\d{10})\.parquet)$/;

/**
 * Lists commits and checkpoints with a version of at least `from`. Other objects (checksums, version 2 checkpoints,
 * temporary files) are not ours to read and are left out.
 */
export async function listLog(
  store: ObjectStore,
  root: string,
  from: number,
  options: CallOptions = {},
): Promise<LogListing> {
  const prefix = logPrefix(root);
  const commits = new Map<number, Date>();
  const parts = new Map<
    string,
    { version: number; count: number; keys: Map<number, string>; modified: Date }
  >();
  // "…0042" sorts right before "…0042.anything".
  const after = from > 0 ? `${prefix}${padded(from)}` : undefined;
  for await (const object of store.list({ ...options, prefix, ...(after === undefined ? {} : { after }) })) {
    const match = NAME.exec(object.key.slice(prefix.length));
    if (!match) continue;
    const version = Number(match[1]);
    if (!Number.isSafeInteger(version)) continue;
    if (object.key.endsWith('.json')) {
      commits.set(version, object.modified);
      continue;
    }
    const part = Number(match[2] ?? 1);
    const count = Number(match[3] ?? 1);
    const id = match[2] === undefined ? `${version}` : `${version}/${count}`;
    const found = parts.get(id) ?? {
      version,
      count,
      keys: new Map<number, string>(),
      modified: object.modified,
    };
    found.keys.set(part, object.key);
    parts.set(id, found);
  }
  const checkpoints: CheckpointFiles[] = [];
  for (const { version, count, keys, modified } of parts.values()) {
    if (keys.size !== count || count === 0) continue;
    const ordered = [...keys].sort(([a], [b]) => a - b).map(([, key]) => key);
    checkpoints.push({ version, keys: ordered, modified });
  }
  checkpoints.sort((a, b) => a.version - b.version);
  return { commits, checkpoints };
}

/** The actions of one commit. @throws ObjectNotFoundError, CorruptLogError */
export async function readCommit(
  store: ObjectStore,
  root: string,
  version: number,
  options: CallOptions = {},
): Promise<Action[]> {
  const key = commitKey(root, version);
  const bytes = await store.get(key, options);
  return parseCommit(new TextDecoder().decode(bytes), key);
}

/** Commits are small: reading many at once hides the latency of the store. */
const PARALLEL_READS = 16;

/** Yields the actions of commits `first..last` in order, reading ahead. */
export async function* readCommits(
  store: ObjectStore,
  root: string,
  first: number,
  last: number,
  options: CallOptions = {},
): AsyncGenerator<{ version: number; actions: Action[] }> {
  const pending: Promise<Action[]>[] = [];
  let next = first;
  for (let version = first; version <= last; version++) {
    while (next <= last && pending.length < PARALLEL_READS) {
      const read = readCommit(store, root, next, options);
      // The consumer may stop early; a failed read ahead must not become an unhandled rejection then.
      read.catch(() => {});
      pending.push(read);
      next += 1;
    }
    if (options.signal?.aborted) throw new CancelledError(`reading ${root}`);
    yield { version, actions: await pending.shift()! };
  }
}

const lastCheckpointSchema = z.looseObject({ version: z.int().nonnegative() });

/** The version that `_last_checkpoint` hints at; undefined when there is no usable hint. It is only a guess. */
export async function readCheckpointHint(
  store: ObjectStore,
  root: string,
  options: CallOptions = {},
): Promise<number | undefined> {
  try {
    const bytes = await store.get(lastCheckpointKey(root), options);
    const parsed = lastCheckpointSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? parsed.data.version : undefined;
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
