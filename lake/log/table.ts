import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError } from '../errors.ts';
import type { CallOptions, ObjectStore } from '../store/object-store.ts';
import type { TableSpec } from '../tables/schema.ts';
import { inSpan } from '../telemetry.ts';
import { encodeCommit, type Metadata, type Protocol } from './actions.ts';
import {
  type Change,
  checkChange,
  checkWritable,
  commitActions,
  commitInfo,
  isEmpty,
  type Operation,
} from './change.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { CommitConflictError, TableNotFoundError } from './errors.ts';
import { advance, follow, loadNewest, loadVersion, versionAt } from './load.ts';
import { commitKey } from './log-files.ts';
import { applyCommit, Replay, type Snapshot } from './snapshot.ts';
import { evolvedColumns, layoutConfiguration, toSchemaString } from './types.ts';

export interface TableOptions {
  /** A checkpoint is written after every commit whose version is a multiple of this; 0 for never. Default 50. */
  readonly checkpointInterval?: number;
  /** Who commits, for `history`. */
  readonly engineInfo?: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /**
   * How long newer commits are looked for one by one before the log is listed again, in milliseconds. Must be far below
   * the time for which vacuum keeps the log. Default 1 hour.
   */
  readonly listEveryMs?: number;
  /** Told what went wrong after a commit had succeeded (a checkpoint that could not be written). */
  readonly onWarning?: (error: unknown) => void;
}

export interface SnapshotOptions extends CallOptions {
  readonly version?: number;
  /** The newest version at or before this time. */
  readonly timestamp?: Date;
}

/** Makes the change for a snapshot; undefined when there is nothing to do. */
export type BuildChange = (snapshot: Snapshot) => Promise<Change | undefined> | Change | undefined;

export interface CommitOptions extends CallOptions {
  /**
   * Makes the commit exactly-once: once a version of at least `version` is recorded for `appId`, it is a no-op.
   * The record is added to the change.
   */
  readonly txn?: { readonly appId: string; readonly version: number };
  /**
   * What to do when another commit came first. `rebuild` (default): call `build` again on the newest version.
   * `rebase`: keep the change if it is still valid there (appends always are; removed files must still be live), else throw
   * `CommitConflictError`; for changes that are dear to build.
   */
  readonly onConflict?: 'rebuild' | 'rebase';
  /** Default 200. */
  readonly maxAttempts?: number;
}

export interface CommitResult {
  /** False when there was nothing to do or the transaction had been committed before. */
  readonly committed: boolean;
  /** The state that contains the change. */
  readonly snapshot: Snapshot;
}

const PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };
const CACHED_VERSIONS = 8;
const HOUR_MS = 3_600_000;
const FIRST_DELAY_MS = 5;
const MAX_DELAY_MS = 500;

function metadataOf(spec: TableSpec, createdTime: number): Metadata {
  return {
    id: randomUUID(),
    name: spec.name,
    description: spec.doc,
    format: { provider: 'parquet', options: {} },
    schemaString: toSchemaString(spec.columns),
    partitionColumns: [],
    configuration: layoutConfiguration(spec),
    createdTime,
  };
}

/** A table of the lake: the log under `<root>/_delta_log/` and the data files below `root`. Safe for concurrent use. */
export class DeltaTable {
  readonly store: ObjectStore;
  /** Key prefix without a trailing slash, e.g. `tables/generations`. */
  readonly root: string;
  readonly #interval: number;
  readonly #engineInfo: string;
  readonly #listEvery: number;
  readonly #now: () => number;
  readonly #onWarning: (error: unknown) => void;
  #newest: Snapshot | undefined;
  /** When the log was last listed: milliseconds of the wall clock, which goes on while the machine sleeps. */
  #listedAt = Number.NEGATIVE_INFINITY;
  readonly #cache = new Map<number, Snapshot>();

  private constructor(store: ObjectStore, root: string, options: TableOptions) {
    this.store = store;
    this.root = root.replace(/\/+$/, '');
    this.#interval = options.checkpointInterval ?? 50;
    this.#engineInfo = options.engineInfo ?? 'Runlake';
    this.#listEvery = options.listEveryMs ?? HOUR_MS;
    this.#now = options.now ?? Date.now;
    this.#onWarning = options.onWarning ?? (() => {});
  }

  /** Makes a handle; reads nothing, and the table need not exist. */
  static open(store: ObjectStore, root: string, options: TableOptions = {}): DeltaTable {
    return new DeltaTable(store, root, options);
  }

  /**
   * The newest version, or the one asked for.
   * @throws TableNotFoundError, VersionNotFoundError, CorruptLogError, UnsupportedTableError
   */
  async snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
    const { store, root } = this;
    const version =
      options.version ??
      (options.timestamp ? await versionAt(store, root, options.timestamp, options) : undefined);
    if (version === undefined) {
      const newest = await this.#replay('newest', () => this.#loadNewest(options));
      return this.#remember(newest);
    }
    const cached = this.#newest?.version === version ? this.#newest : this.#cache.get(version);
    return this.#remember(
      cached ?? (await this.#replay('version', () => loadVersion(store, root, version, options))),
    );
  }

  /** Reads the log in a span of its own. */
  #replay(wanted: 'newest' | 'version', load: () => Promise<Snapshot>): Promise<Snapshot> {
    return inSpan('replay log', { 'runlake.table': this.root, 'runlake.wanted': wanted }, async (span) => {
      const snapshot = await load();
      span.set({ 'runlake.version': snapshot.version });
      return snapshot;
    });
  }

  /** Forgets every cached version, after something other than a commit has changed the log. */
  forget(): void {
    this.#newest = undefined;
    this.#cache.clear();
  }

  async #loadNewest(options: CallOptions): Promise<Snapshot> {
    const { store, root } = this;
    const known = this.#newest;
    const now = Date.now();
    if (known && Math.abs(now - this.#listedAt) < this.#listEvery) return follow(store, known, options);
    const newest = known ? await advance(store, known, options) : await loadNewest(store, root, options);
    this.#listedAt = now;
    return newest;
  }

  async exists(options: CallOptions = {}): Promise<boolean> {
    try {
      await this.snapshot(options);
      return true;
    } catch (error) {
      if (error instanceof TableNotFoundError) return false;
      throw error;
    }
  }

  /**
   * Creates the table, or adds the columns of `spec` that an existing one lacks. Idempotent and safe under races.
   * @throws SchemaMismatchError when the existing table has other types or would need a new required column
   */
  async create(spec: TableSpec, options: CallOptions = {}): Promise<Snapshot> {
    if (!(await this.exists(options))) {
      const timestamp = this.#now();
      const metadata = metadataOf(spec, timestamp);
      const info = commitInfo(
        { name: 'CREATE TABLE' },
        { timestamp, engineInfo: this.#engineInfo, isBlindAppend: true },
      );
      const actions = commitActions({ metadata }, info, { protocol: PROTOCOL });
      if (await this.store.putIfAbsent(commitKey(this.root, 0), encodeCommit(actions), options)) {
        const replay = new Replay(this.root);
        for (const action of actions) replay.apply(action);
        return this.#remember(replay.finish(0, new Date(timestamp)));
      }
    }
    const build = ({ spec: current, metadata }: Snapshot): Change | undefined => {
      const columns = evolvedColumns(current.columns, spec.columns);
      return columns && { metadata: { ...metadata, schemaString: toSchemaString(columns) } };
    };
    return (await this.commit({ name: 'ADD COLUMNS' }, build, options)).snapshot;
  }

  /**
   * Commits what `build` makes of the newest version, with optimistic concurrency.
   * @throws CommitConflictError when the change is not valid on the newest version, or other writers always came first
   */
  async commit(operation: Operation, build: BuildChange, options: CommitOptions = {}): Promise<CommitResult> {
    const { txn, signal, onConflict = 'rebuild', maxAttempts = 200 } = options;
    const call: CallOptions = signal ? { signal } : {};
    let change: Change | undefined;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const base = await this.snapshot(call);
      if (txn && (base.txns.get(txn.appId)?.version ?? -1) >= txn.version) {
        return { committed: false, snapshot: base };
      }
      checkWritable(base);
      if (attempt === 0 || onConflict === 'rebuild') {
        const built = await build(base);
        change =
          built && txn
            ? { ...built, txn: [...(built.txn ?? []), { ...txn, lastUpdated: this.#now() }] }
            : built;
      }
      if (!change || isEmpty(change)) return { committed: false, snapshot: base };
      checkChange(base, change);
      if (signal?.aborted) throw new CancelledError(`commit to ${this.root}`, signal.reason);
      const committed = await this.#tryCommit(operation, base, change, call);
      if (committed) return { committed: true, snapshot: committed };
      const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10));
      await sleep(Math.random() * ceiling, undefined, call).catch((cause: unknown) => {
        throw new CancelledError(`commit to ${this.root}`, cause);
      });
    }
    throw new CommitConflictError(`commit to ${this.root} lost against other writers ${maxAttempts} times`, {
      remedy: 'try again when fewer writers are active',
    });
  }

  async #tryCommit(
    operation: Operation,
    base: Snapshot,
    change: Change,
    call: CallOptions,
  ): Promise<Snapshot | undefined> {
    // Strictly increasing, so that a time names one version even when the writers' clocks differ.
    const timestamp = Math.max(this.#now(), base.timestamp.getTime() + 1);
    const info = commitInfo(
      operation,
      {
        timestamp,
        engineInfo: this.#engineInfo,
        readVersion: base.version,
        isBlindAppend: !change.remove?.length && !change.metadata,
      },
      change,
    );
    const actions = commitActions(change, info);
    const key = commitKey(this.root, base.version + 1);
    if (!(await this.store.putIfAbsent(key, encodeCommit(actions), call))) return undefined;
    const snapshot = this.#remember(applyCommit(base, actions, new Date(timestamp)));
    if (this.#interval > 0 && snapshot.version % this.#interval === 0) {
      try {
        await writeCheckpoint(this.store, snapshot, { ...call, now: this.#now() });
      } catch (error) {
        this.#onWarning(error);
      }
    }
    return snapshot;
  }

  #remember(snapshot: Snapshot): Snapshot {
    if (!this.#newest || snapshot.version > this.#newest.version) this.#newest = snapshot;
    this.#cache.delete(snapshot.version);
    this.#cache.set(snapshot.version, snapshot);
    for (const version of this.#cache.keys()) {
      if (this.#cache.size <= CACHED_VERSIONS) break;
      this.#cache.delete(version);
    }
    return snapshot;
  }
}
