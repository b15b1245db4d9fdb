import { randomUUID } from 'node:crypto';
import { mkdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { DataFiles, type RowsOf } from './data-files.ts';
import type { Lake } from './lake.ts';
import type { AddFile } from './log/actions.ts';
import type { Snapshot as TableSnapshot } from './log/snapshot.ts';
import type { CopiedFile } from './parquet/copy.ts';
import { openVectorEncoder, type VectorEncoder } from './parquet/vectors/encoder.ts';
import { encodeToken, VERSIONS_PARAMETER } from './snapshot.ts';
import type { CallOptions } from './store/object-store.ts';
import { probePutIfAbsent } from './store/probe.ts';
import { RUNS } from './tables/tables.ts';
import { ingestTags, type RunEntry, runsOf, runTags } from './visibility.ts';

/** A file of rows with the ingests they belong to. */
export interface IngestedFile {
  readonly table: string;
  readonly file: CopiedFile;
  readonly ingests: readonly string[];
  /** More tags for the file. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface CommitRunsResult {
  /** Runs of the batch that lost against another ingest of the same content. */
  readonly unchanged: ReadonlySet<string>;
  /** Runs that were there with other content and now have this one. */
  readonly replaced: ReadonlySet<string>;
}

export interface DeleteRunsResult {
  /** Runs that were there and are no more. */
  readonly deleted: ReadonlySet<string>;
  /** Runs that aggregates go on leaving out, as duplicates of deleted ones. */
  readonly duplicates: ReadonlySet<string>;
}

export interface RecordOptions extends CallOptions {
  /** Rows that go in the same commit. */
  readonly replaced?: (recorded: (source: string) => number) => RowsOf;
}

/** Somebody who wants to know of commits. */
export interface CommitListener {
  /** Rows became visible, or stopped being so. Must not throw. */
  committed(): void;
  /** The writer closes: what was begun can be finished. Must not reject. */
  finish(): Promise<void>;
}

/** What writing needs beyond reading: a DuckDB for staging, and commits. One writer a process is enough. */
export class LakeWriter {
  readonly lake: Lake;
  /** Local directory for files on their way to the store. */
  readonly directory: string;
  /** For the files of `activations`. */
  readonly vectors: VectorEncoder = openVectorEncoder();
  readonly #instance: DuckDBInstance;
  readonly #listener: CommitListener | undefined;
  readonly #files: DataFiles;
  /** One commit at a time a table in this process: others would only lose the race for the version. */
  readonly #turns = new Map<string, Promise<unknown>>();

  private constructor(
    lake: Lake,
    directory: string,
    instance: DuckDBInstance,
    columnCounts: ReadonlyMap<string, string>,
    listener: CommitListener | undefined,
  ) {
    this.#files = new DataFiles({ lake, directory, columnCounts, connect: () => instance.connect() });
    this.#listener = listener;
    this.lake = lake;
    this.directory = directory;
    this.#instance = instance;
  }

  /**
   * @param memory bytes that staging may use before it spills to disk
   * @throws UnsafeStoreError when put-if-absent is not atomic on the store
   */
  static async open(
    lake: Lake,
    options: { memory: number; listener?: CommitListener } & CallOptions,
  ): Promise<LakeWriter> {
    await probePutIfAbsent(lake.store, options);
    const directory = join(lake.home, 'tmp', `write-${process.pid}-${randomUUID().slice(0, 8)}`);
    await mkdir(directory, { recursive: true });
    const instance = await DuckDBInstance.create(':memory:', {
      temp_directory: join(directory, 'spill'),
      memory_limit: `${Math.floor(options.memory / 1e6)}MB`,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // Batches come from the one thread of JavaScript: a second thread of DuckDB would only poll for them.
      threads: '1',
    });
    const columnCounts = new Map<string, string>();
    await Promise.all(
      [...lake.specs.values()].map(async (spec) => {
        const { spec: stored } = await lake.table(spec.name).create(spec, options);
        // Another version of this program may have added columns of its own in between: then only names tell.
        const first = new Set(stored.columns.slice(0, spec.columns.length).map((column) => column.name));
        if (spec.columns.every((column) => first.has(column.name))) {
          columnCounts.set(spec.name, String(spec.columns.length));
        }
      }),
    );
    return new LakeWriter(lake, directory, instance, columnCounts, options.listener);
  }

  /** A connection for staging; the caller closes it. */
  connect(): Promise<DuckDBConnection> {
    return this.#instance.connect();
  }

  /**
   * Uploads files and appends them to their tables, one commit a table. Their rows stay invisible until a run names
   * their ingests. With `txn` every commit is made once only, whoever tries.
   */
  async append(
    files: readonly IngestedFile[],
    options: CallOptions & { txn?: { readonly appId: string; readonly version: number } } = {},
  ): Promise<void> {
    const tables = new Map<string, AddFile[]>();
    for (const { table, file, ingests, tags } of files) {
      const add = await this.#files.upload(table, file, { ...ingestTags(ingests), ...tags }, options);
      tables.set(table, [...(tables.get(table) ?? []), add]);
    }
    for (const [table, add] of tables) {
      await this.#inTurn(table, () =>
        this.lake.table(table).commit({ name: 'WRITE', parameters: { mode: 'Append' } }, () => ({ add }), {
          ...options,
          onConflict: 'rebase',
        }),
      );
    }
  }

  /**
   * Makes runs visible, atomically: rows of `runs` with the same ids are replaced, older ingests stop being current.
   * @param file the rows of `runs`
   * @param entries one a row
   */
  async commitRuns(
    file: CopiedFile,
    entries: readonly RunEntry[],
    options: CallOptions = {},
  ): Promise<CommitRunsResult> {
    let unchanged = new Set<string>();
    let replaced = new Set<string>();
    await this.#inTurn(RUNS.name, () =>
      this.lake.table(RUNS.name).commit(
        { name: 'WRITE', parameters: { mode: 'Replace' } },
        async (snapshot) => {
          unchanged = new Set();
          replaced = new Set();
          const current = new Map(
            [...snapshot.files.values()].flatMap(runsOf).map((run) => [run.run_id, run]),
          );
          const wanted = entries.filter((entry) => {
            const known = current.get(entry.run_id);
            if (known?.content_sha256 === entry.content_sha256) unchanged.add(entry.run_id);
            else if (known !== undefined) replaced.add(entry.run_id);
            return known?.content_sha256 !== entry.content_sha256;
          });
          if (wanted.length === 0) return undefined;
          const rows = wanted.length === entries.length ? file : await this.#files.ofRuns(file.path, wanted);
          const rest = await this.#files.withoutRuns(snapshot, replaced, options);
          const [added, parameters] = await Promise.all([
            this.#files.upload(RUNS.name, rows, runTags(wanted), options),
            this.#dataVersions(options),
          ]);
          return { add: [added, ...rest.add], remove: rest.remove, parameters };
        },
        options,
      ),
    );
    this.lake.refresh();
    if (unchanged.size < entries.length) this.#listener?.committed();
    await unlink(file.path).catch(() => {});
    return { unchanged, replaced };
  }

  /**
   * Takes runs out of the newest state, atomically. Older states keep them until they are vacuumed; what other tables hold of
   * them goes with the next compaction.
   * @returns of the ids, those that were there
   */
  async deleteRuns(ids: ReadonlySet<string>, options: CallOptions = {}): Promise<DeleteRunsResult> {
    let runs: readonly RunEntry[] = [];
    await this.#inTurn(RUNS.name, () =>
      this.lake.table(RUNS.name).commit(
        { name: 'DELETE', parameters: { mode: 'Delete' } },
        async (snapshot) => {
          runs = [...snapshot.files.values()].flatMap(runsOf);
          if (!runs.some((run) => ids.has(run.run_id))) return undefined;
          const change = await this.#files.withoutRuns(snapshot, ids, options);
          return { ...change, parameters: await this.#dataVersions(options) };
        },
        options,
      ),
    );
    this.lake.refresh();
    const deleted = new Set(runs.flatMap((run) => (ids.has(run.run_id) ? [run.run_id] : [])));
    if (deleted.size > 0) this.#listener?.committed();
    const duplicates = runs.filter(
      ({ run_id, duplicate_of }) =>
        duplicate_of !== undefined && deleted.has(duplicate_of) && !deleted.has(run_id),
    );
    return { deleted, duplicates: new Set(duplicates.map((run) => run.run_id)) };
  }

  /**
   * Appends rows of sources to a table whose rows belong to no ingest. Each source is recorded up to a version, in the same commit
   * as its rows: however often the same versions are offered, and by whomever, their rows are there once.
   * @param sources offered versions, by source
   * @param rows makes the file of what is newer than a source's `recorded` version (0 for a new source); called again when
   * another commit came first
   */
  async record(
    table: string,
    sources: ReadonlyMap<string, number>,
    rows: (recorded: (source: string) => number) => Promise<CopiedFile | undefined>,
    { replaced, ...options }: RecordOptions = {},
  ): Promise<void> {
    await this.#inTurn(table, () =>
      this.lake.table(table).commit(
        { name: 'WRITE', parameters: { mode: 'Append' } },
        async (snapshot) => {
          const recorded = (source: string) => snapshot.txns.get(source)?.version ?? 0;
          const newer = [...sources].filter(([source, version]) => recorded(source) < version);
          if (newer.length === 0) return undefined;
          const file = await rows(recorded);
          const old = replaced?.(recorded) ?? { column: '', values: [] };
          const { remove, add } = await this.#files.without(snapshot, old, options);
          if (file !== undefined) {
            add.push(await this.#files.upload(table, file, {}, options));
            await unlink(file.path).catch(() => {});
          }
          const lastUpdated = Date.now();
          return { add, remove, txn: newer.map(([appId, version]) => ({ appId, version, lastUpdated })) };
        },
        options,
      ),
    );
    this.lake.refresh();
    this.#listener?.committed();
  }

  /** Removes what this writer left on local disk. */
  async close(): Promise<void> {
    await this.#listener?.finish();
    await this.vectors.close();
    this.#instance.closeSync();
    await rm(this.directory, { recursive: true, force: true });
  }

  /**
   * What a commit of `runs` records: a token of the versions of every table but `runs`. Looked up once the version that is
   * changed is known: the rows of all runs in it are in these versions, whoever wrote them.
   */
  async #dataVersions(options: CallOptions): Promise<Readonly<Record<string, string>>> {
    const names = [...this.lake.specs.keys()].filter((name) => name !== RUNS.name);
    const states: TableSnapshot[] = await Promise.all(
      names.map((name) => this.lake.table(name).snapshot(options)),
    );
    const versions = Object.fromEntries(states.map((state, i) => [names[i]!, state.version]));
    return { [VERSIONS_PARAMETER]: encodeToken(versions) };
  }

  async #inTurn<T>(table: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(table) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#turns.set(
      table,
      turn.catch(() => {}),
    );
    return turn;
  }
}
