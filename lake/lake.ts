import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { CacheCounts } from './cache/cache-counts.ts';
import { ObjectCache } from './cache/object-cache.ts';
import { Engine, runQuery } from './engine/engine.ts';
import { withPlace } from './engine/error-place.ts';
import { QueryBytesError, TooManyStreamsError } from './engine/errors.ts';
import { RunningStatement } from './engine/statement.ts';
import type {
  AsOf,
  ChunkStream,
  LakeReader,
  LakeSnapshot,
  PruneCondition,
  QueryOptions,
  QueryResult,
  Relation,
  RelationSize,
  StatementSource,
  StreamingReader,
  StreamOptions,
} from './engine/types.ts';
import { InvalidArgumentError } from './errors.ts';
import { TableNotFoundError } from './log/errors.ts';
import { readCommit } from './log/log-files.ts';
import { dataKey } from './log/paths.ts';
import type { Snapshot as TableSnapshot } from './log/snapshot.ts';
import { fileStats } from './log/stats.ts';
import { DeltaTable } from './log/table.ts';
import { sqlName } from './parquet/file-name.ts';
import { listLengths, relationSql, type VisibleFile, visibleFiles } from './relation.ts';
import { Sandbox, type SandboxedStatement, type SandboxOptions } from './sandbox.ts';
import { decodeToken, encodeToken, ResolvedSnapshot } from './snapshot.ts';
import { unlessAborted } from './store/abort.ts';
import type { CallOptions, ObjectStore } from './store/object-store.ts';
import type { TableSpec } from './tables/schema.ts';
import { RUNS, TABLES } from './tables/tables.ts';
import type { LakeView } from './tables/view.ts';
import { inSpan } from './telemetry.ts';

export interface LakeOptions {
  readonly store: ObjectStore;
  /** Local directory for the cache and for temporary files. */
  readonly home: string;
  readonly cacheBytes: number;
  /** Bytes of memory for queries. */
  readonly memory: number;
  readonly threads?: number;
  /** How long a snapshot may be reused before looking for newer commits; 0 looks every time. */
  readonly snapshotMaxAgeMs?: number;
  readonly tables?: readonly TableSpec[];
  /** What SQL from users may read beside the tables. */
  readonly views?: readonly LakeView[];
  /** Statements whose rows are being streamed at the same time. */
  readonly maxStreams?: number;
}

/** Prefix of every table in the bucket. */
export const TABLES_PREFIX = 'tables';

const DEFAULT_SNAPSHOT_AGE_MS = 250;

/** How many times the memory of queries they may spill to disk. */
const SPILL_FACTOR = 10;

/** How long other tables than `runs` go unlooked at: well below any retention of vacuum. */
const FULL_LOOK_MS = 60_000;

const DEFAULT_MAX_STREAMS = 64;

/** Longer than any query may run. */
const FORGOTTEN_AFTER_MS = 15 * 60_000;

/** Where the runs commit records which versions of the other tables belong to it. */
export const VERSIONS_PARAMETER = 'runlake.versions';

/** The lake as a reader sees it: snapshots over all tables, and SQL over the visible rows of one of them. */
export class Lake implements LakeReader, StreamingReader {
  readonly store: ObjectStore;
  readonly home: string;
  readonly engine: Engine;
  readonly specs: ReadonlyMap<string, TableSpec>;
  readonly #sandbox: Sandbox;
  readonly #maxStreams: number;
  #streams = 0;
  readonly #tables = new Map<string, DeltaTable>();
  readonly #cache: ObjectCache;
  readonly #temporary: string;
  readonly #maxAge: number;
  /** `at`: when it was last known to be the newest; `resolvedAt`: when every table was looked at. */
  #latest: { snapshot: ResolvedSnapshot; at: number; resolvedAt: number } | undefined;
  #resolving: Promise<ResolvedSnapshot> | undefined;
  readonly #byToken = new Map<string, ResolvedSnapshot>();

  private constructor(options: LakeOptions, engine: Engine, cache: ObjectCache, temporary: string) {
    this.store = options.store;
    this.home = options.home;
    this.engine = engine;
    this.#cache = cache;
    this.#temporary = temporary;
    this.#maxAge = options.snapshotMaxAgeMs ?? DEFAULT_SNAPSHOT_AGE_MS;
    this.specs = new Map((options.tables ?? TABLES).map((spec) => [spec.name, spec]));
    this.#sandbox = new Sandbox({ engine, tables: this.specs, views: options.views ?? [] });
    this.#maxStreams = options.maxStreams ?? DEFAULT_MAX_STREAMS;
  }

  static async open(options: LakeOptions): Promise<Lake> {
    const cacheDirectory = join(options.home, 'cache');
    const temporaryDirectory = join(options.home, 'tmp', `query-${process.pid}`);
    await rm(temporaryDirectory, { recursive: true, force: true });
    await mkdir(cacheDirectory, { recursive: true });
    const localTables = options.store.localPath(TABLES_PREFIX);
    const engine = await Engine.open({
      memory: `${Math.floor(options.memory / 1e6)}MB`,
      spill: `${Math.floor((options.memory * SPILL_FACTOR) / 1e6)}MB`,
      threads: options.threads,
      temporaryDirectory,
      readableDirectories: localTables === undefined ? [cacheDirectory] : [cacheDirectory, localTables],
    });
    const cache = new ObjectCache({ directory: cacheDirectory, maxBytes: options.cacheBytes });
    return new Lake(options, engine, cache, temporaryDirectory);
  }

  /** What the cache of objects has done in this process. */
  get cacheCounts(): CacheCounts {
    return this.#cache.counts;
  }

  table(name: string): DeltaTable {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = DeltaTable.open(this.store, `${TABLES_PREFIX}/${name}`);
      this.#tables.set(name, table);
    }
    return table;
  }

  async snapshot(asOf: AsOf = {}, options: CallOptions = {}): Promise<ResolvedSnapshot> {
    const { snapshot: token, version, timestamp } = asOf;
    if ([token, version, timestamp].filter((v) => v !== undefined).length > 1) {
      throw new InvalidArgumentError('asOf takes one of snapshot, version and timestamp');
    }
    if (token !== undefined) return this.#pinned(decodeToken(token), options);
    if (version !== undefined || timestamp !== undefined) {
      return this.#pinned(await this.#versionsAt({ version, timestamp }, options), options);
    }
    if (this.#latest !== undefined && Date.now() - this.#latest.at <= this.#maxAge)
      return this.#latest.snapshot;
    // Several callers wait for it: none of them may end it for the others.
    this.#resolving ??= inSpan('snapshot', {}, () => this.#resolve()).finally(() => {
      this.#resolving = undefined;
    });
    return unlessAborted(this.#resolving, options.signal, 'looking for the newest state of the lake');
  }

  /** Forgets how old the newest known snapshot is, so that the next one sees every commit made before now. */
  refresh(): void {
    this.#latest = undefined;
  }

  async relation(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[] = [],
    options: CallOptions = {},
  ): Promise<Relation> {
    const relation = await this.#relation(snapshot, table, prune, options);
    const timer = setTimeout(relation.release, FORGOTTEN_AFTER_MS).unref();
    return {
      ...relation,
      release: () => {
        clearTimeout(timer);
        relation.release();
      },
    };
  }

  /** A relation whose files are held until they are released, however long that takes. */
  async #relation(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[],
    options: CallOptions,
  ): Promise<HeldRelation> {
    const { spec, state, files } = await this.#visible(snapshot, table, prune, options);
    if (state === undefined)
      return {
        sql: relationSql(spec, spec, []),
        ...sizeOf([]),
        release: () => undefined,
        lengths: new Map(),
      };
    const wanted = files.map((file) => ({ key: dataKey(state.root, file.path), size: file.add.size }));
    const { bytes } = sizeOf(files);
    const read = { 'runlake.table': table, 'runlake.files': files.length, 'runlake.bytes': bytes };
    const { paths, release } = await inSpan('fetch files', read, () =>
      this.#cache.localFiles(this.store, wanted, options),
    );
    const located = files.map((file, i) => ({ ...file, local: paths[i]! }));
    const sql = relationSql(spec, state.spec, located);
    return { sql, ...sizeOf(files), release, lengths: listLengths(spec, files) };
  }

  async size(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[] = [],
    options: CallOptions = {},
  ): Promise<RelationSize> {
    return sizeOf((await this.#visible(snapshot, table, prune, options)).files);
  }

  /**
   * The objects that hold the visible rows of a table, for engines that read the store themselves (`relationSql`).
   * `stored` has the columns of the table in the order in which they were added.
   */
  async files(
    snapshot: LakeSnapshot,
    table: string,
    options: CallOptions = {},
  ): Promise<{ readonly stored: TableSpec; readonly files: (VisibleFile & { readonly key: string })[] }> {
    const { spec, state, files } = await this.#visible(snapshot, table, [], options);
    const root = state?.root ?? '';
    return {
      stored: state?.spec ?? spec,
      files: files.map((file) => ({ ...file, key: dataKey(root, file.path) })),
    };
  }

  query(sql: string, options?: QueryOptions): Promise<QueryResult> {
    return this.engine.query(sql, options);
  }

  sandboxedQuery(snapshot: LakeSnapshot, sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    return this.#sandboxed(snapshot, sql, options, (connection, statement) =>
      runQuery(connection, statement, options),
    );
  }

  async sandboxedStream(
    snapshot: LakeSnapshot,
    sql: string,
    options: SandboxOptions = {},
  ): Promise<ChunkStream> {
    if (this.#streams >= this.#maxStreams) throw new TooManyStreamsError(this.#maxStreams);
    this.#streams += 1;
    let sandboxed: SandboxedStatement | undefined;
    const end = async () => {
      this.#streams -= 1;
      await sandboxed?.leave();
    };
    try {
      sandboxed = await this.enterSandbox(snapshot, sql, options);
      const statement = (await options.rewrite?.(sandboxed)) ?? sandboxed.sql;
      return await RunningStatement.start(sandboxed.connection, statement, options, end);
    } catch (error) {
      await end();
      throw error;
    }
  }

  async #sandboxed<T>(
    snapshot: LakeSnapshot,
    sql: string,
    options: StreamOptions,
    work: (connection: DuckDBConnection, statement: string) => Promise<T>,
  ): Promise<T> {
    const sandboxed = await this.enterSandbox(snapshot, sql, options);
    try {
      return await work(sandboxed.connection, sandboxed.sql);
    } catch (error) {
      throw withPlace(error, sandboxed.sql, sql);
    } finally {
      await sandboxed.leave();
    }
  }

  /**
   * A connection on which a statement over a snapshot can run, and nothing else; the caller leaves it.
   * @throws SandboxError, QueryBytesError
   */
  enterSandbox(
    snapshot: LakeSnapshot,
    sql: string,
    options: SandboxOptions = {},
  ): Promise<SandboxedStatement> {
    const { maxBytes, prune: known, fixedVectors = false } = options;
    return this.#sandbox.enter(sql, async (found) => {
      const sources = found.map(({ table, prune }) => ({
        table,
        prune: [...prune, ...(known?.get(table) ?? [])],
      }));
      if (maxBytes !== undefined) {
        const sizes = await Promise.all(
          sources.map(({ table, prune }) => this.size(snapshot, table, prune, options)),
        );
        const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
        if (bytes > maxBytes) throw new QueryBytesError(bytes, maxBytes);
        options.onSizes?.(sizes);
      }
      const held = await Promise.allSettled(
        sources.map(({ table, prune }) => this.#relation(snapshot, table, prune, options)),
      );
      const failed = held.find((result) => result.status === 'rejected');
      const relations = held.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
      if (failed !== undefined) {
        for (const relation of relations) relation.release();
        throw failed.reason;
      }
      return fixedVectors ? relations.map(withFixedVectors) : relations;
    });
  }

  statementSources(sql: string): Promise<readonly StatementSource[]> {
    return this.#sandbox.sources(sql);
  }

  /** Gives `work` a local path that holds the bytes of an object of the lake, fetched if need be. */
  async withLocalFile<T>(
    object: { readonly key: string; readonly size: number },
    work: (path: string) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    const { path, release } = await this.#cache.localFile(this.store, object.key, {
      size: object.size,
      ...options,
    });
    try {
      return await work(path);
    } finally {
      release();
    }
  }

  /** A path for a file of one's own in the directory that queries may write to; it goes with the lake. */
  temporaryPath(name: string): string {
    return join(this.#temporary, `${randomUUID()}-${name}`);
  }

  async close(): Promise<void> {
    this.engine.close();
    await this.#cache.close();
    await rm(this.#temporary, { recursive: true, force: true });
  }

  #spec(table: string): TableSpec {
    const spec = this.specs.get(table);
    if (spec === undefined) {
      throw new InvalidArgumentError(`there is no table ${table}`, {
        expected: [...this.specs.keys()].join(', '),
      });
    }
    return spec;
  }

  async #visible(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[],
    options: CallOptions,
  ): Promise<{ spec: TableSpec; state: TableSnapshot | undefined; files: VisibleFile[] }> {
    const spec = this.#spec(table);
    const resolved = await this.#resolved(snapshot, options);
    const state = resolved.tables.get(table);
    if (state === undefined) return { spec, state, files: [] };
    return {
      spec,
      state,
      files: visibleFiles(state, resolved.visible, prune, wantedIngests(spec, resolved, prune)),
    };
  }

  async #resolved(snapshot: LakeSnapshot, options: CallOptions): Promise<ResolvedSnapshot> {
    return snapshot instanceof ResolvedSnapshot ? snapshot : this.#pinned({ ...snapshot.versions }, options);
  }

  /**
   * The newest state. `runs` is read first and once more at the end: a run that was replaced in between could have
   * lost its rows to a compaction that the other tables' newest versions already show.
   */
  async #resolve(): Promise<ResolvedSnapshot> {
    for (;;) {
      const at = Date.now();
      const runs = await this.#newest(RUNS.name);
      const known = this.#latest;
      const recent = known !== undefined && at - known.resolvedAt < FULL_LOOK_MS;
      if (recent && runs !== undefined && runs.version === known.snapshot.versions[RUNS.name]) {
        // Without a commit to `runs` nothing visible has changed, and what compaction replaced is still there.
        this.#latest = { ...known, at };
        return known.snapshot;
      }
      const tables = new Map(runs === undefined ? [] : [[RUNS.name, runs]]);
      await Promise.all(
        [...this.specs.keys()].map(async (name) => {
          if (name === RUNS.name) return;
          const state = await this.#newest(name);
          if (state !== undefined) tables.set(name, state);
        }),
      );
      if ((await this.#newest(RUNS.name))?.version !== runs?.version) continue;
      const snapshot = new ResolvedSnapshot(tables);
      this.#latest = { snapshot, at, resolvedAt: at };
      this.#remember(snapshot);
      return snapshot;
    }
  }

  async #newest(name: string): Promise<TableSnapshot | undefined> {
    try {
      return await this.table(name).snapshot();
    } catch (error) {
      if (error instanceof TableNotFoundError) return undefined;
      throw error;
    }
  }

  async #pinned(versions: Record<string, number>, options: CallOptions): Promise<ResolvedSnapshot> {
    const known = this.#byToken.get(encodeToken(versions));
    if (known !== undefined) return known;
    const entries = await Promise.all(
      Object.entries(versions).map(
        async ([name, version]) =>
          [name, await this.table(this.#spec(name).name).snapshot({ version, ...options })] as const,
      ),
    );
    const snapshot = new ResolvedSnapshot(new Map(entries));
    this.#remember(snapshot);
    return snapshot;
  }

  #remember(snapshot: ResolvedSnapshot): void {
    this.#byToken.set(snapshot.token, snapshot);
    const oldest = this.#byToken.keys().next().value;
    if (this.#byToken.size > 64 && oldest !== undefined) this.#byToken.delete(oldest);
  }

  /** The versions that a commit of `runs` recorded. */
  async #versionsAt(
    asOf: { readonly version?: number; readonly timestamp?: Date },
    options: CallOptions,
  ): Promise<Record<string, number>> {
    const runs = await this.table(RUNS.name).snapshot({ ...asOf, ...options });
    const actions = await readCommit(this.store, runs.root, runs.version, options);
    const recorded = actions.find((action) => action.commitInfo)?.commitInfo?.operationParameters?.[
      VERSIONS_PARAMETER
    ];
    const versions = typeof recorded === 'string' ? decodeToken(recorded) : {};
    return { ...versions, [RUNS.name]: runs.version };
  }
}

interface HeldRelation extends Required<Relation> {
  /** Of the lists that have one length in all its rows. */
  readonly lengths: ReadonlyMap<string, number>;
}

/** Lists of one length as arrays of it. */
function withFixedVectors(relation: HeldRelation): Relation {
  if (relation.lengths.size === 0) return relation;
  const arrays = [...relation.lengths].map(
    ([column, length]) => `${sqlName(column)}::FLOAT[${length}] AS ${sqlName(column)}`,
  );
  return { ...relation, sql: `(SELECT * REPLACE (${arrays.join(', ')}) FROM ${relation.sql})` };
}

function sizeOf(files: readonly VisibleFile[]): RelationSize {
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
