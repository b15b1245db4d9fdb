import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CacheCounts } from './cache/cache-counts.ts';
import { ObjectCache } from './cache/object-cache.ts';
import { Engine } from './engine/engine.ts';
import type {
  AsOf,
  ChunkStream,
  LakeReader,
  LakeSnapshot,
  LeadingRelation,
  LeadingRowsRequest,
  PruneCondition,
  QueryOptions,
  QueryResult,
  Relation,
  RelationSize,
  StatementSource,
  StreamingReader,
} from './engine/types.ts';
import { LeadingRows, type LeadingRowsLimits } from './leading/leading-rows.ts';
import type { DeltaTable } from './log/table.ts';
import { Relations, type StoredFiles } from './relations.ts';
import { Sandbox, type SandboxedStatement, type SandboxOptions } from './sandbox.ts';
import { SandboxedSql } from './sandboxed-sql.ts';
import type { ResolvedSnapshot } from './snapshot.ts';
import { Snapshots } from './snapshots.ts';
import type { CallOptions, ObjectStore } from './store/object-store.ts';
import { TABLES_PREFIX, TableSet } from './table-set.ts';
import type { TableSpec } from './tables/schema.ts';
import { TABLES } from './tables/tables.ts';
import type { LakeView } from './tables/view.ts';

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
  /** From how many rows on pages are found first and read afterwards, and how much is remembered of them. */
  readonly leadingRows?: Partial<LeadingRowsLimits>;
}

const DEFAULT_SNAPSHOT_AGE_MS = 250;

/** How many times the memory of queries they may spill to disk. */
const SPILL_FACTOR = 10;

const DEFAULT_MAX_STREAMS = 64;

/** Of the memory of queries: for rows that led an order. */
const REMEMBERED_PART = 1 / 32;

/** The lake as a reader sees it: snapshots over all tables, and SQL over the visible rows of one of them. */
export class Lake implements LakeReader, StreamingReader {
  readonly store: ObjectStore;
  readonly home: string;
  readonly engine: Engine;
  readonly #tables: TableSet;
  readonly #snapshots: Snapshots;
  readonly #cache: ObjectCache;
  readonly #relations: Relations;
  readonly #leadingRows: LeadingRows;
  readonly #sandboxed: SandboxedSql;
  readonly #temporary: string;

  private constructor(options: LakeOptions, engine: Engine, cache: ObjectCache, temporary: string) {
    const { store, views = [] } = options;
    const tables = new TableSet(store, options.tables ?? TABLES);
    const snapshots = new Snapshots({
      store,
      tables,
      maxAgeMs: options.snapshotMaxAgeMs ?? DEFAULT_SNAPSHOT_AGE_MS,
    });
    const relations = new Relations({ store, tables, snapshots, cache });
    this.store = store;
    this.home = options.home;
    this.engine = engine;
    this.#tables = tables;
    this.#snapshots = snapshots;
    this.#cache = cache;
    this.#relations = relations;
    const limits = { maxBytes: options.memory * REMEMBERED_PART, ...options.leadingRows };
    this.#leadingRows = new LeadingRows({ engine, relations, limits });
    this.#sandboxed = new SandboxedSql({
      sandbox: new Sandbox({ engine, tables: tables.specs, views }),
      relations,
      maxStreams: options.maxStreams ?? DEFAULT_MAX_STREAMS,
    });
    this.#temporary = temporary;
  }

  /** Opens a lake for reading; its tables need not be there yet. What an earlier process of this number left is removed. */
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

  /** The tables of the lake by name. */
  get specs(): ReadonlyMap<string, TableSpec> {
    return this.#tables.specs;
  }

  /** What a table holds. @throws InvalidArgumentError for an unknown name */
  spec(name: string): TableSpec {
    return this.#tables.spec(name);
  }

  /** The log of a table. @throws InvalidArgumentError for an unknown name */
  table(name: string): DeltaTable {
    return this.#tables.table(name);
  }

  /**
   * A state of the lake, by default the newest.
   * @throws InvalidArgumentError for what names no state, VersionNotFoundError for one that is vacuumed or not there yet
   */
  snapshot(asOf: AsOf = {}, options: CallOptions = {}): Promise<ResolvedSnapshot> {
    return this.#snapshots.at(asOf, options);
  }

  /** Forgets how old the newest known snapshot is, so that the next one sees every commit made before now. */
  refresh(): void {
    this.#snapshots.refresh();
  }

  relation(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[] = [],
    options: CallOptions = {},
  ): Promise<Relation> {
    return this.#relations.relation(snapshot, table, prune, options);
  }

  size(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[] = [],
    options: CallOptions = {},
  ): Promise<RelationSize> {
    return this.#relations.size(snapshot, table, prune, options);
  }

  /**
   * The objects that hold the visible rows of a table, for engines that read the store themselves (`relationSql`).
   * @throws InvalidArgumentError for an unknown table
   */
  files(snapshot: LakeSnapshot, table: string, options: CallOptions = {}): Promise<StoredFiles> {
    return this.#relations.files(snapshot, table, options);
  }

  leadingRows(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[],
    request: LeadingRowsRequest,
    options: QueryOptions = {},
  ): Promise<LeadingRelation | undefined> {
    return this.#leadingRows.relation(snapshot, table, prune, request, options);
  }

  /** How much is remembered of rows that led an order: tables in memory, and about how many bytes they take. */
  get rememberedRows(): LeadingRows['remembered'] {
    return this.#leadingRows.remembered;
  }

  query(sql: string, options?: QueryOptions): Promise<QueryResult> {
    return this.engine.query(sql, options);
  }

  sandboxedQuery(snapshot: LakeSnapshot, sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    return this.#sandboxed.query(snapshot, sql, options);
  }

  sandboxedStream(snapshot: LakeSnapshot, sql: string, options: SandboxOptions = {}): Promise<ChunkStream> {
    return this.#sandboxed.stream(snapshot, sql, options);
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
    return this.#sandboxed.enter(snapshot, sql, options);
  }

  statementSources(sql: string): Promise<readonly StatementSource[]> {
    return this.#sandboxed.sources(sql);
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

  /** Ends what runs, and removes the temporary files; the cache stays for the next process. */
  async close(): Promise<void> {
    this.engine.close();
    await this.#cache.close();
    await rm(this.#temporary, { recursive: true, force: true });
  }
}
