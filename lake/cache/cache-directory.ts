import { link, mkdir, rename } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { hasErrno } from '../errors.ts';
import { sleep } from '../store/abort.ts';
import { errnoOf } from '../store/local-errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { bootId } from '../store/process-identity.ts';
import { removeFile } from '../store/remove.ts';
import { noCacheCounts } from './cache-counts.ts';
import { download } from './download.ts';
import { type FileLook, lookOf, noteUse, readMeta, verifiedLook, writeMeta } from './entry.ts';
import { evict, type OwnLeases } from './eviction.ts';
import { type CacheLayout, cacheLayout, metaSuffix, objectPath } from './layout.ts';
import { LeaseFolder } from './leases.ts';
import { ProcessLock } from './process-lock.ts';
import { Semaphore } from './semaphore.ts';

export interface CacheLimits {
  readonly maxBytes: number;
  readonly parallelFetches: number;
}

/** An object to have in the directory under `name`. */
export interface CacheRequest {
  readonly store: ObjectStore;
  readonly key: string;
  readonly name: string;
  readonly size: number | undefined;
}

const pollMs = { first: 10, longest: 200 };

/** The files of a cache, as one of the processes that share them sees them: leases, fetches, eviction. */
export class CacheDirectory {
  readonly #layout: CacheLayout;
  readonly #limits: CacheLimits;
  readonly #own: OwnLeases;
  readonly #leases: LeaseFolder;
  readonly #fetches: Semaphore;
  /** Bounds the full checks that run at once. */
  readonly #adoptions = new Semaphore(16);
  #adopted = 0;
  /** As last measured; undefined before. */
  #usedBytes: number | undefined;
  /** Added by this process since then. Other processes add too, so the measure is renewed every few per cent. */
  #fetchedBytes = 0;
  #evicting: Promise<void> | undefined;
  readonly counts = noCacheCounts();

  constructor(directory: string, limits: CacheLimits, own: OwnLeases) {
    this.#layout = cacheLayout(resolve(directory));
    this.#limits = limits;
    this.#own = own;
    this.#leases = new LeaseFolder(this.#layout);
    this.#fetches = new Semaphore(limits.parallelFetches);
  }

  /** Where this process opens an object that it leases. */
  path(name: string): string {
    return this.#leases.path(name);
  }

  /** Leases an object, fetching it if need be. Only one call a name at a time. */
  async acquire(request: CacheRequest, signal: AbortSignal): Promise<FileLook> {
    const what = `fetching ${request.key} of ${request.store.uri}`;
    await this.#leases.begin();
    const cached = await this.#adoptions.run(() => this.#adopt(request, signal), signal, what);
    if (cached !== undefined) this.counts.hits += 1;
    return cached ?? (await this.#fetches.run(() => this.#fetchOnce(request, signal), signal, what));
  }

  /** Gives a lease up; synchronous, so that no caller can take the object half-way. */
  release(name: string, times: { readonly usedMs: number; readonly modifiedMs: number }): void {
    this.#leases.drop(name, times);
  }

  /** Evicts if the cache holds more than it may. Called when a file falls idle; what fails is tried again later. */
  trim(): void {
    if ((this.#usedBytes ?? 0) + this.#fetchedBytes <= this.#limits.maxBytes) return;
    this.#makeRoom(0).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#evicting?.catch(() => undefined);
    await this.#leases.close();
  }

  /** Leases an object that is in the cache; undefined when it is not, or was corrupt and therefore is no longer. */
  async #adopt({ name, size }: CacheRequest, signal: AbortSignal): Promise<FileLook | undefined> {
    const objectFile = objectPath(this.#layout, name);
    // What follows is synchronous for a whole file: let others run now and then.
    if (++this.#adopted % 64 === 0) await setImmediate();
    if (!this.#leases.take(objectFile, name)) return undefined;
    const meta = readMeta(objectFile);
    if (meta !== undefined && (size === undefined || size === meta.size)) {
      const look = await verifiedLook(this.path(name), meta, signal);
      if (look !== undefined) {
        noteUse(this.path(name), meta);
        if (meta.boot !== bootId()) {
          await writeMeta(objectFile, { ...meta, boot: bootId() }, this.#leases.scratchPath());
        }
        return look;
      }
    }
    await removeFile(objectFile);
    await removeFile(objectFile + metaSuffix);
    this.#leases.drop(name);
    return undefined;
  }

  /** Fetches an object, or waits until another process has. */
  async #fetchOnce(request: CacheRequest, signal: AbortSignal): Promise<FileLook> {
    const path = `${this.#layout.locks}/${request.name}`;
    for (let pause = pollMs.first; ; pause = Math.min(pollMs.longest, pause * 1.5)) {
      const lock = await takeIfPossible(path);
      if (lock !== undefined) {
        try {
          // The process that had the lock may have put the object here.
          return (await this.#adopt(request, signal)) ?? (await this.#fetch(request, signal));
        } finally {
          if (lock !== 'impossible') await lock.release();
        }
      }
      await sleep(pause, signal, `waiting for another process to fetch ${request.key}`);
      const look = await this.#adopt(request, signal);
      if (look !== undefined) return look;
    }
  }

  async #fetch(request: CacheRequest, signal: AbortSignal): Promise<FileLook> {
    await this.#makeRoom(request.size ?? 0);
    try {
      const look = await this.#fetchInto(request, signal);
      if (request.size === undefined) await this.#makeRoom(0);
      return look;
    } catch (error) {
      if (!isFullDisk(error)) throw error;
      // The disk is smaller than the limit: make do with what is there.
      await this.#makeRoom(this.#limits.maxBytes);
      return this.#fetchInto(request, signal);
    }
  }

  async #fetchInto({ store, key, name, size }: CacheRequest, signal: AbortSignal): Promise<FileLook> {
    const part = this.#leases.scratchPath();
    const objectFile = objectPath(this.#layout, name);
    await this.#leases.restore();
    try {
      const meta = await download(store, key, part, size, signal);
      await mkdir(dirname(objectFile), { recursive: true });
      // First what is needed to check the object, then the object.
      await writeMeta(objectFile, meta, this.#leases.scratchPath());
      await rename(part, this.path(name));
      await link(this.path(name), objectFile).catch((error: unknown) => {
        if (!hasErrno(error, 'EEXIST')) throw error; // else another process was faster
      });
      this.#fetchedBytes += meta.size;
      this.counts.misses += 1;
      this.counts.fetchedBytes += meta.size;
      return lookOf(this.path(name));
    } finally {
      await removeFile(part);
    }
  }

  /** Keeps the cache below its limit, or `bytes` below; measures it only when that may be needed. */
  async #makeRoom(bytes: number): Promise<void> {
    const { maxBytes } = this.#limits;
    const room = maxBytes - (this.#usedBytes ?? maxBytes) - this.#fetchedBytes;
    if (this.#usedBytes !== undefined && bytes <= room && this.#fetchedBytes <= maxBytes / 20) return;
    this.#evicting ??= this.#evict(bytes).finally(() => {
      this.#evicting = undefined;
    });
    await this.#evicting;
  }

  async #evict(bytes: number): Promise<void> {
    const lock = await takeIfPossible(`${this.#layout.locks}/eviction`);
    if (lock === undefined) return; // another process is at it
    try {
      this.#fetchedBytes = 0;
      this.#usedBytes = await evict(this.#layout, this.#limits.maxBytes, bytes, this.#own, this.counts);
    } finally {
      if (lock !== 'impossible') await lock.release();
    }
  }
}

/** A disk may be too full even for a lock; locks only spare work, and the work may make room. */
async function takeIfPossible(path: string): Promise<ProcessLock | 'impossible' | undefined> {
  try {
    return await ProcessLock.tryTake(path);
  } catch (error) {
    if (isFullDisk(error)) return 'impossible';
    throw error;
  }
}

function isFullDisk(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}
