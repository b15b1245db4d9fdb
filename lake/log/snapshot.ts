import type { TableSpec } from '../tables/schema.ts';
import type { Action, AddFile, Metadata, Protocol, RemoveFile, Txn } from './actions.ts';
import { CorruptLogError, UnsupportedTableError } from './errors.ts';
import { decodePath } from './paths.ts';
import { specOf } from './types.ts';

/** One version of a table. Immutable. */
export interface Snapshot {
  readonly root: string;
  readonly version: number;
  /** When the version was committed: see `commitTime`. */
  readonly timestamp: Date;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  /** Name, columns and layout as the metadata describes them. */
  readonly spec: TableSpec;
  /** Live files by decoded path below the table root. */
  readonly files: ReadonlyMap<string, AddFile>;
  /** Files that were removed and may still lie in the bucket, by decoded path. */
  readonly tombstones: ReadonlyMap<string, RemoveFile>;
  /** By application id. */
  readonly txns: ReadonlyMap<string, Txn>;
}

/**
 * The time of a commit: `commitInfo.timestamp`, which our committer keeps strictly increasing within a table and which
 * survives copying the bucket; else the time its object was stored.
 */
export function commitTime(actions: readonly Action[], stored: Date): Date {
  const timestamp = actions.find((action) => action.commitInfo)?.commitInfo?.timestamp;
  return typeof timestamp === 'number' && Math.abs(timestamp) <= 8.64e15 ? new Date(timestamp) : stored;
}

const MAX_READER_VERSION = 1;

/** @throws UnsupportedTableError when reading the table needs something that this program does not know */
export function checkReadable(root: string, protocol: Protocol): void {
  if (protocol.minReaderVersion > MAX_READER_VERSION) {
    const features = protocol.readerFeatures?.join(', ');
    throw new UnsupportedTableError(
      `table ${root} needs Delta reader version ${protocol.minReaderVersion}${features ? ` (${features})` : ''}`,
      { expected: `reader version ${MAX_READER_VERSION}`, where: { file: root } },
    );
  }
}

/** Collects actions in order and gives the state after them. Not for reuse after `finish`. */
export class Replay {
  readonly #root: string;
  #protocol: Protocol | undefined;
  #metadata: Metadata | undefined;
  #spec: TableSpec | undefined;
  readonly #files: Map<string, AddFile>;
  readonly #tombstones: Map<string, RemoveFile>;
  readonly #txns: Map<string, Txn>;

  constructor(root: string, base?: Snapshot) {
    this.#root = root;
    this.#protocol = base?.protocol;
    this.#metadata = base?.metadata;
    this.#spec = base?.spec;
    this.#files = new Map(base?.files);
    this.#tombstones = new Map(base?.tombstones);
    this.#txns = new Map(base?.txns);
  }

  apply(action: Action): void {
    if (action.add) {
      const path = decodePath(action.add.path);
      this.#files.delete(path);
      this.#files.set(path, action.add);
      this.#tombstones.delete(path);
    } else if (action.remove) {
      const path = decodePath(action.remove.path);
      this.#files.delete(path);
      this.#tombstones.set(path, action.remove);
    } else if (action.txn) {
      this.#txns.set(action.txn.appId, action.txn);
    } else if (action.metaData) {
      this.#metadata = action.metaData;
      this.#spec = undefined;
    } else if (action.protocol) {
      checkReadable(this.#root, action.protocol);
      this.#protocol = action.protocol;
    }
  }

  /** @throws CorruptLogError, UnsupportedTableError */
  finish(version: number, timestamp: Date): Snapshot {
    const [protocol, metadata] = [this.#protocol, this.#metadata];
    if (!protocol || !metadata) {
      throw new CorruptLogError(
        `version ${version} of ${this.#root} has no ${protocol ? 'metaData' : 'protocol'}`,
        {
          where: { file: this.#root },
          remedy: 'run `runlake lake fsck`',
        },
      );
    }
    if (metadata.partitionColumns.length > 0) {
      throw new UnsupportedTableError(
        `table ${this.#root} is partitioned by ${metadata.partitionColumns.join(', ')}`,
        {
          expected: 'a table without partition columns: their values lie in the log, not in the files',
        },
      );
    }
    return Object.freeze({
      root: this.#root,
      version,
      timestamp,
      protocol,
      metadata,
      spec: this.#spec ?? specOf(metadata),
      files: this.#files,
      tombstones: this.#tombstones,
      txns: this.#txns,
    });
  }
}

/** The state after one more commit. */
export function applyCommit(base: Snapshot, actions: readonly Action[], timestamp: Date): Snapshot {
  const replay = new Replay(base.root, base);
  for (const action of actions) replay.apply(action);
  return replay.finish(base.version + 1, timestamp);
}
