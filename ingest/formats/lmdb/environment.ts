import { InvalidArgumentError } from '../../../lake/errors.ts';
import { ahead } from '../bytes/ahead.ts';
import { withBlockCache } from '../bytes/block-cache.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { DB_DUPFIXED, DB_DUPSORT, type DbRecord, LmdbError } from './layout.ts';
import { readMeta } from './meta.ts';
import { overflowPages, readNode } from './node.ts';
import { fetchOverflow, LAZY_ABOVE, type LmdbValue } from './overflow.ts';
import { keyAt } from './page.ts';
import { duplicatePages, keysReversed, type LmdbEntry, type ScanOptions, scanWindows } from './scan.ts';
import { findKey } from './search.ts';
import { pageBudget, type Snapshot, spendPages } from './snapshot.ts';
import { checkComplete } from './truncation.ts';

const SMALL_STORE = 32 * 1024 * 1024;

/** What a database's record says about it. */
export interface LmdbStat {
  readonly pageSize: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  /** Key-value pairs; every duplicate counts. */
  readonly entries: number;
  readonly dupSort: boolean;
  readonly dupFixed: boolean;
}

export interface LmdbDatabase {
  readonly stat: LmdbStat;
  /** The value of a key, the first one of duplicates; undefined when the key is absent. */
  get(key: Uint8Array, options?: Omit<ScanOptions, 'after'>): Promise<LmdbValue | undefined>;
  /** All values of a key, in their order. */
  values(key: Uint8Array, options?: Omit<ScanOptions, 'after'>): AsyncGenerator<LmdbValue, void, undefined>;
  /**
   * All entries in key order with bounded memory, whatever the store's size. A scan to the end proves that the
   * tree is whole and that nobody wrote to the store meanwhile.
   */
  entries(options?: ScanOptions): AsyncGenerator<LmdbEntry, void, undefined>;
  /** As `entries`, in the arrays in which they were fetched: faster for many small values. */
  windows(options?: ScanOptions): AsyncGenerator<LmdbEntry[], void, undefined>;
}

export interface LmdbEnvironment {
  readonly pageSize: number;
  /** The transaction that this snapshot shows. */
  readonly txnId: number;
  /** Damage that did not keep the store from being read. */
  readonly warnings: readonly string[];
  readonly main: LmdbDatabase;
  /** Names of the databases in the main one, in key order. */
  databaseNames(signal?: AbortSignal): Promise<string[]>;
  /** A named database. @throws InvalidArgumentError when there is none of that name */
  database(name: string, signal?: AbortSignal): Promise<LmdbDatabase>;
}

/**
 * Opens a store that LMDB 0.9 wrote (data format 1, as py-lmdb does): its `data.mdb`. Nothing is locked and no
 * native code runs; the snapshot is that of the last committed transaction. The caller closes `source`.
 * @throws LmdbError `TRUNCATED`, `LMDB_CORRUPT`, `LMDB_UNSUPPORTED`
 */
export async function openLmdb(
  source: ByteSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<LmdbEnvironment> {
  const { signal } = options;
  const { meta, warning } = await readMeta(source, signal);
  const cached = withBlockCache(source, { blockSize: 64 * 1024, maxBytes: 8 * 1024 * 1024 });
  // Keys that are hashes scatter a scan over the file; a store that fits is cheaper to read as a whole.
  const small = source.size <= SMALL_STORE;
  const scanned = small
    ? withBlockCache(source, { blockSize: 1024 * 1024, maxBytes: 2 * SMALL_STORE })
    : source;
  const filePages = Math.floor(source.size / meta.pageSize);
  const snapshot: Snapshot = { source, scanned, cached, file: source.name, meta, filePages };
  await checkComplete(snapshot, signal);
  const main = databaseOf(snapshot, meta.mainDb);
  return {
    pageSize: meta.pageSize,
    txnId: meta.txnId,
    warnings: warning === undefined ? [] : [warning],
    main,
    async databaseNames(signal) {
      const names: string[] = [];
      for await (const window of main.windows(signal === undefined ? {} : { signal })) {
        for (const entry of window) if (entry.database) names.push(new TextDecoder().decode(entry.key));
      }
      return names;
    },
    async database(name, signal) {
      const found = await findKey(snapshot, meta.mainDb, new TextEncoder().encode(name), signal);
      const content = found && readNode(snapshot, meta.mainDb.flags, found.page, found.index);
      if (content?.kind === 'database') return databaseOf(snapshot, content.record);
      throw new InvalidArgumentError(`${source.name} has no database ${JSON.stringify(name)}`, {
        where: { file: source.name },
      });
    },
  };
}

function databaseOf(snapshot: Snapshot, tree: DbRecord): LmdbDatabase {
  async function* windows(options: ScanOptions = {}) {
    try {
      yield* ahead(scanWindows(snapshot, tree, pageBudget(snapshot), options), 1);
    } catch (error) {
      // What looks like damage may be the trace of a writer.
      if (error instanceof LmdbError) await checkUnchanged(snapshot, options.signal);
      throw error;
    }
    await checkUnchanged(snapshot, options.signal);
  }

  async function* values(key: Uint8Array, options: Omit<ScanOptions, 'after'> = {}) {
    const { signal } = options;
    const found = await findKey(snapshot, tree, key, signal);
    if (found === undefined) return;
    const content = readNode(snapshot, tree.flags, found.page, found.index);
    if (content.kind === 'duplicates') {
      for (let i = 0; i < content.page.count; i++) yield keyAt(content.page, i);
    } else if (content.kind === 'duplicateTree') {
      const budget = pageBudget(snapshot);
      const walk = { snapshot, budget, reversed: keysReversed(tree.flags), after: undefined, signal };
      for await (const page of duplicatePages(walk, tree, content.record)) {
        for (let i = 0; i < page.count; i++) yield keyAt(page, i);
      }
    } else if (content.value instanceof Uint8Array) {
      yield content.value;
    } else {
      spendPages(
        pageBudget(snapshot),
        overflowPages(snapshot, content.value.size),
        snapshot,
        found.page.number,
      );
      yield (await fetchOverflow(snapshot, [content.value], options.lazyAbove ?? LAZY_ABOVE, signal))[0]!;
    }
  }

  return {
    stat: {
      pageSize: snapshot.meta.pageSize,
      depth: tree.depth,
      branchPages: tree.branchPages,
      leafPages: tree.leafPages,
      overflowPages: tree.overflowPages,
      entries: tree.entries,
      dupSort: (tree.flags & DB_DUPSORT) !== 0,
      dupFixed: (tree.flags & DB_DUPFIXED) !== 0,
    },
    async get(key, options) {
      for await (const value of values(key, options)) return value;
      return undefined;
    },
    values,
    windows,
    async *entries(options) {
      for await (const window of windows(options)) yield* window;
    },
  };
}

/**
 * A writer may reuse the pages of a snapshot that nobody has locked. Whoever read to the end without the newest
 * transaction changing read one consistent state.
 */
async function checkUnchanged(snapshot: Snapshot, signal: AbortSignal | undefined): Promise<void> {
  const { meta } = await readMeta(snapshot.source, signal);
  if (meta.txnId === snapshot.meta.txnId) return;
  throw new LmdbError('LMDB_CHANGED', `${snapshot.file} was written to while it was read`, {
    where: { file: snapshot.file },
    remedy: 'ingest the store again once its writer is done',
  });
}
