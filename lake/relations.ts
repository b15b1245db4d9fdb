import type { ObjectCache } from './cache/object-cache.ts';
import type { LakeSnapshot, PruneCondition, Relation, RelationSize } from './engine/types.ts';
import { vacuumedState } from './log/errors.ts';
import { dataKey } from './log/paths.ts';
import type { Snapshot as TableSnapshot } from './log/snapshot.ts';
import { fileStats } from './log/stats.ts';
import {
  isConstant,
  type LocatedFile,
  listLengths,
  relationSql,
  type VisibleFile,
  visibleFiles,
} from './relation.ts';
import type { ResolvedSnapshot } from './snapshot.ts';
import type { Snapshots } from './snapshots.ts';
import { type CallOptions, ObjectNotFoundError, type ObjectStore } from './store/object-store.ts';
import type { TableSet } from './table-set.ts';
import type { TableSpec } from './tables/schema.ts';
import { inSpan } from './telemetry.ts';

/** Longer than any query may run. */
const FORGOTTEN_AFTER_MS = 15 * 60_000;

export interface RelationsOptions {
  readonly store: ObjectStore;
  readonly tables: TableSet;
  readonly snapshots: Snapshots;
  /** Where the files behind relations lie while they are read. */
  readonly cache: ObjectCache;
}

/** A relation whose files stay in the cache until it is released, however long that takes. */
export interface HeldRelation extends Required<Relation> {
  /** Of the lists that have one length in all its rows. */
  readonly lengths: ReadonlyMap<string, number>;
}

/** The objects of a table that hold its visible rows. */
export interface StoredFiles {
  /** The table with its columns in the order in which they were added. */
  readonly stored: TableSpec;
  readonly files: readonly (VisibleFile & { readonly key: string })[];
}

/** What the log says of a table in a snapshot. */
export interface VisibleTable {
  readonly spec: TableSpec;
  /** Undefined before its first commit. */
  readonly state: TableSnapshot | undefined;
  readonly files: readonly VisibleFile[];
}

/** The visible rows of tables: which files hold them is known from the log alone, what is read is fetched into the cache. */
export class Relations {
  readonly #store: ObjectStore;
  readonly #tables: TableSet;
  readonly #snapshots: Snapshots;
  readonly #cache: ObjectCache;

  constructor({ store, tables, snapshots, cache }: RelationsOptions) {
    this.#store = store;
    this.#tables = tables;
    this.#snapshots = snapshots;
    this.#cache = cache;
  }

  /** A relation that lets go of its files after a while, if nobody has released it. @throws InvalidArgumentError for an unknown table */
  async relation(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[],
    options: CallOptions,
  ): Promise<Relation> {
    const relation = await this.held(snapshot, table, prune, options);
    const timer = setTimeout(relation.release, FORGOTTEN_AFTER_MS).unref();
    return {
      ...relation,
      release: () => {
        clearTimeout(timer);
        relation.release();
      },
    };
  }

  /** @throws InvalidArgumentError for an unknown table */
  async held(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[],
    options: CallOptions,
  ): Promise<HeldRelation> {
    const { spec, state, files } = await this.visible(snapshot, table, prune, options);
    if (state === undefined)
      return {
        sql: relationSql(spec, spec, []),
        ...sizeOf([]),
        release: () => undefined,
        isConstant: () => false,
        lengths: new Map(),
      };
    const { located, release } = await this.locate(state, files, options);
    const sql = relationSql(spec, state.spec, located);
    return {
      sql,
      ...sizeOf(files),
      release,
      isConstant: (column) => isConstant(state.spec, files, column),
      lengths: listLengths(spec, files),
    };
  }

  /** Local paths of files of a table; they stay until they are released. @throws VersionNotFoundError when vacuum has taken one */
  async locate(
    state: TableSnapshot,
    files: readonly VisibleFile[],
    options: CallOptions,
  ): Promise<{ readonly located: readonly LocatedFile[]; readonly release: () => void }> {
    const wanted = files.map((file) => ({ key: dataKey(state.root, file.path), size: file.add.size }));
    const size = sizeOf(files);
    const read = {
      'runlake.table': state.spec.name,
      'runlake.files': size.files,
      'runlake.bytes': size.bytes,
    };
    const { paths, release } = await inSpan('fetch files', read, () =>
      this.#cache.localFiles(this.#store, wanted, options),
    ).catch((error: unknown) => {
      throw error instanceof ObjectNotFoundError ? vacuumedState(error) : error;
    });
    return { located: files.map((file, i) => ({ ...file, local: paths[i]! })), release };
  }

  /** What a relation would read, without fetching anything. @throws InvalidArgumentError for an unknown table */
  async size(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[],
    options: CallOptions,
  ): Promise<RelationSize> {
    return sizeOf((await this.visible(snapshot, table, prune, options)).files);
  }

  /** @throws InvalidArgumentError for an unknown table */
  async files(snapshot: LakeSnapshot, table: string, options: CallOptions): Promise<StoredFiles> {
    const { spec, state, files } = await this.visible(snapshot, table, [], options);
    const root = state?.root ?? '';
    return {
      stored: state?.spec ?? spec,
      files: files.map((file) => ({ ...file, key: dataKey(root, file.path) })),
    };
  }

  /** Which files hold the rows, from the log alone. @throws InvalidArgumentError for an unknown table */
  async visible(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[],
    options: CallOptions,
  ): Promise<VisibleTable> {
    const spec = this.#tables.spec(table);
    const resolved = await this.#snapshots.resolved(snapshot, options);
    const state = resolved.tables.get(table);
    if (state === undefined) return { spec, state, files: [] };
    const wanted = wantedIngests(spec, resolved, prune);
    return { spec, state, files: visibleFiles(state, resolved.visible, prune, wanted) };
  }
}

export function sizeOf(files: readonly VisibleFile[]): RelationSize {
  return {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.add.size, 0),
    rows: files.reduce((sum, file) => sum + (fileStats(file.add).numRecords ?? 0), 0),
  };
}

/** A condition on `run_id` says which stores are wanted of a table whose rows belong to stores, not to runs. */
function wantedIngests(
  spec: TableSpec,
  { runs }: ResolvedSnapshot,
  prune: readonly PruneCondition[],
): ReadonlySet<string> | undefined {
  if (spec.columns.some((column) => column.name === 'run_id')) return undefined;
  const ids = prune.find((condition) => condition.column === 'run_id')?.in;
  return ids === undefined ? undefined : new Set(ids.flatMap((id) => runs.get(String(id))?.stores ?? []));
}
