import { setMaxListeners } from 'node:events';
import { statSync } from 'node:fs';
import { CancelledError, InvalidArgumentError, RunlakeError } from '../errors.ts';
import { checkSignal } from '../store/abort.ts';
import { toLocalStoreError } from '../store/local-errors.ts';
import type { CallOptions, ObjectStore } from '../store/object-store.ts';
import type { CacheCounts } from './cache-counts.ts';
import { CacheDirectory } from './cache-directory.ts';
import { sizeError } from './download.ts';
import { type FileLook, looksLike } from './entry.ts';
import { cacheName } from './layout.ts';

export interface ObjectCacheOptions {
  /** Where the files lie; created when first needed. Several processes may share it. */
  readonly directory: string;
  /** What unused files may take up. Files in use count, but are never removed, so use may exceed it. */
  readonly maxBytes: number;
  /** Objects fetched at once by this process. Default 8. */
  readonly parallelFetches?: number;
  /** A file that this process uses again is looked at again (size, time stamp) after so long. Default 1 s. */
  readonly recheckMs?: number;
  /** A file that this process has not used for so long may be evicted by other processes. Default 60 s. */
  readonly idleLeaseMs?: number;
}

/** A local file that stays what and where it is until it is released. */
export interface CachedFile {
  readonly path: string;
  /** Call it once the file is no longer read; further calls do nothing. */
  release(): void;
}

export interface CachedFiles {
  /** In the order asked for. */
  readonly paths: readonly string[];
  release(): void;
}

export interface WantedObject {
  readonly key: string;
  /** Bytes, where the caller knows them; an object of another size is then an error. */
  readonly size?: number;
}

/** An object that this process leases. */
interface Held {
  readonly name: string;
  readonly path: string;
  look: FileLook;
  pins: number;
  lastUsedMs: number;
  checkedMs: number;
}

/** A fetch under way and how many callers wait for it; the last one to leave ends it. */
interface Flight {
  readonly promise: Promise<Held>;
  readonly abort: AbortController;
  waiters: number;
  landed: boolean;
}

/**
 * Keeps copies of immutable objects in a directory, so that an engine can open them by path. Each object is
 * fetched once, by however many callers and processes; the ones unused longest go when space is short.
 * Objects of a store with local files are used where they are.
 */
export class ObjectCache {
  readonly #options: Required<ObjectCacheOptions>;
  readonly #files: CacheDirectory;
  /** By identity of the store, then by key: a warm look-up needs no hash. */
  readonly #held = new Map<string, Map<string, Held>>();
  readonly #heldByName = new Map<string, { readonly held: Held; readonly forget: () => void }>();
  readonly #flights = new Map<string, Flight>();
  #tidying: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ObjectCacheOptions) {
    this.#options = { parallelFetches: 8, recheckMs: 1_000, idleLeaseMs: 60_000, ...options };
    this.#files = new CacheDirectory(options.directory, this.#options, {
      lastUsedMs: (name) => this.#heldByName.get(name)?.held.lastUsedMs,
      dropIfIdle: (name) => this.#dropIfIdle(name),
    });
  }

  /**
   * A local copy of an object, fetched if need be.
   * @throws ObjectNotFoundError, StoreError (a full disk, another size than expected), CancelledError
   */
  async localFile(
    store: ObjectStore,
    key: string,
    options: CallOptions & { readonly size?: number } = {},
  ): Promise<CachedFile> {
    const local = store.localPath(key);
    if (local !== undefined) return { path: local, release: () => undefined };
    return this.#handOut(
      this.#pinWarm(store, key, options.size) ?? (await this.#pinCold(store, key, options)),
    );
  }

  /** Local copies of many objects, all or none; when one fails, the fetches of the others end. */
  async localFiles(
    store: ObjectStore,
    wanted: readonly WantedObject[],
    options: CallOptions = {},
  ): Promise<CachedFiles> {
    const files: CachedFile[] = new Array(wanted.length);
    const cold: number[] = [];
    for (const [i, { key, size }] of wanted.entries()) {
      const local = store.localPath(key);
      const warm = local === undefined ? this.#pinWarm(store, key, size) : undefined;
      if (local !== undefined) files[i] = { path: local, release: () => undefined };
      else if (warm !== undefined) files[i] = this.#handOut(warm);
      else cold.push(i);
    }
    const release = () => {
      for (const file of files) file?.release();
    };
    try {
      if (cold.length > 0) await this.#pinAll(store, wanted, cold, files, options.signal);
    } catch (error) {
      release();
      throw error;
    }
    return { paths: files.map((file) => file.path), release };
  }

  /** Pins `wanted[i]` into `files[i]` for every i of `cold`; throws the first failure after all have ended. */
  async #pinAll(
    store: ObjectStore,
    wanted: readonly WantedObject[],
    cold: readonly number[],
    files: CachedFile[],
    outer: AbortSignal | undefined,
  ): Promise<void> {
    const stop = new AbortController();
    const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal]);
    // Every pin under way listens to the signal, which takes time in proportion to the listeners it has.
    const workers = Math.min(cold.length, 2 * this.#options.parallelFetches);
    setMaxListeners(workers + 1, signal);
    let failure: { readonly error: unknown } | undefined;
    let next = 0;
    const work = async () => {
      while (next < cold.length && failure === undefined) {
        const i = cold[next++]!;
        const { key, size } = wanted[i]!;
        try {
          files[i] = this.#handOut(
            await this.#pinCold(store, key, size === undefined ? { signal } : { signal, size }),
          );
        } catch (error) {
          failure ??= { error };
          stop.abort();
        }
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
    if (failure !== undefined) throw failure.error;
  }

  /** What it has done so far; objects of a store with local files do not count. */
  get counts(): CacheCounts {
    return this.#files.counts;
  }

  /** Gives up all leases and what is under way. Files handed out must no longer be read. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#tidying);
    for (const flight of this.#flights.values()) flight.abort.abort();
    await Promise.allSettled([...this.#flights.values()].map((flight) => flight.promise));
    await this.#files.close();
    this.#held.clear();
    this.#heldByName.clear();
  }

  #handOut(held: Held): CachedFile {
    let released = false;
    return {
      path: held.path,
      release: () => {
        if (released) return;
        released = true;
        held.pins -= 1;
        held.lastUsedMs = Date.now();
        if (held.pins === 0) this.#files.trim();
      },
    };
  }

  /** Pins an object that this process leases already; no waiting, at most one look at the file. */
  #pinWarm(store: ObjectStore, key: string, size: number | undefined): Held | undefined {
    const held = this.#held.get(store.identity ?? store.uri)?.get(key);
    if (held === undefined || (size !== undefined && size !== held.look.size)) return undefined;
    const now = Date.now();
    if (now - held.checkedMs >= this.#options.recheckMs) {
      const look = statSync(held.path, { throwIfNoEntry: false });
      // The cold path checks the content, or fetches it again.
      if (look === undefined || !looksLike(look, held.look)) return undefined;
      held.checkedMs = now;
    }
    held.pins += 1;
    held.lastUsedMs = now;
    this.#files.counts.hits += 1;
    return held;
  }

  /** Joins or starts the fetch of an object and pins it. */
  async #pinCold(
    store: ObjectStore,
    key: string,
    options: CallOptions & { readonly size?: number },
  ): Promise<Held> {
    const what = `fetching ${key} of ${store.uri}`;
    checkSignal(options.signal, what);
    if (this.#closed) throw new InvalidArgumentError('the cache is closed');
    const name = cacheName(store, key);
    const flight = this.#flights.get(name) ?? this.#takeOff(name, store, key, options.size);
    flight.waiters += 1;
    const held = await new Promise<Held>((resolvePin, reject) => {
      const leave = () => {
        if (flight.landed) return; // the pin is on its way to the caller, who releases it
        flight.waiters -= 1;
        if (flight.waiters === 0) {
          flight.abort.abort();
          this.#forgetFlight(name, flight);
        }
        reject(new CancelledError(what, options.signal?.reason));
      };
      options.signal?.addEventListener('abort', leave, { once: true });
      flight.promise
        .then(resolvePin, reject)
        .finally(() => options.signal?.removeEventListener('abort', leave));
    });
    // Another caller's fetch may not have known the size.
    if (options.size !== undefined && held.look.size !== options.size) {
      held.pins -= 1;
      throw sizeError(store, key, options.size, held.look.size);
    }
    return held;
  }

  #takeOff(name: string, store: ObjectStore, key: string, size: number | undefined): Flight {
    const abort = new AbortController();
    const promise = this.#hold(store, key, name, size, abort.signal).then(
      (held) => {
        flight.landed = true;
        held.pins += flight.waiters;
        this.#forgetFlight(name, flight);
        return held;
      },
      (error: unknown) => {
        flight.landed = true;
        this.#forgetFlight(name, flight);
        throw error instanceof RunlakeError
          ? error
          : toLocalStoreError(error, 'cache an object in', this.#options.directory);
      },
    );
    const flight: Flight = { promise, abort, waiters: 0, landed: false };
    // When all callers have left, nobody hears of the failure.
    promise.catch(() => undefined);
    this.#flights.set(name, flight);
    return flight;
  }

  #forgetFlight(name: string, flight: Flight): void {
    if (this.#flights.get(name) === flight) this.#flights.delete(name);
  }

  async #hold(
    store: ObjectStore,
    key: string,
    name: string,
    size: number | undefined,
    signal: AbortSignal,
  ): Promise<Held> {
    const look = await this.#files.acquire({ store, key, name, size }, signal);
    return this.#remember(store.identity ?? store.uri, key, name, look);
  }

  #remember(identity: string, key: string, name: string, look: FileLook): Held {
    const known = this.#heldByName.get(name)?.held;
    const now = Date.now();
    if (known !== undefined) {
      Object.assign(known, { look, checkedMs: now, lastUsedMs: now });
      return known;
    }
    const held: Held = {
      name,
      path: this.#files.path(name),
      look,
      pins: 0,
      lastUsedMs: now,
      checkedMs: now,
    };
    const ofStore = this.#held.get(identity) ?? new Map<string, Held>();
    this.#held.set(identity, ofStore);
    ofStore.set(key, held);
    const forget = () => {
      if (ofStore.get(key) === held) ofStore.delete(key);
      if (this.#heldByName.get(name)?.held === held) this.#heldByName.delete(name);
    };
    this.#heldByName.set(name, { held, forget });
    this.#startTidying();
    return held;
  }

  /** Synchronous, so that no caller can pin the object half-way. */
  #dropIfIdle(name: string): boolean {
    const entry = this.#heldByName.get(name);
    if (entry === undefined) return true;
    const { held, forget } = entry;
    if (held.pins > 0 || this.#flights.has(name)) return false;
    forget();
    this.#files.release(name, { usedMs: held.lastUsedMs, modifiedMs: held.look.mtimeMs });
    return true;
  }

  /** From the first lease on, gives up leases that lie idle, so that other processes can evict their objects. */
  #startTidying(): void {
    if (this.#tidying !== undefined) return;
    const { idleLeaseMs } = this.#options;
    this.#tidying = setInterval(
      () => {
        const before = Date.now() - idleLeaseMs;
        for (const [name, { held }] of [...this.#heldByName]) {
          if (held.pins === 0 && held.lastUsedMs < before) this.#dropIfIdle(name);
        }
      },
      Math.max(10, idleLeaseMs / 4),
    );
    this.#tidying.unref();
  }
}
