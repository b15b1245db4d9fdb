import { randomUUID } from 'node:crypto';
import { unlinkSync, utimesSync } from 'node:fs';
import { link, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { hasErrno } from '../errors.ts';
import { livenessOf, processIdentity } from '../store/process-identity.ts';
import type { CacheLayout } from './layout.ts';

const renewMs = 10 * 60_000;
/** Leases of a process on another machine (a shared cache volume) hold disk space only, so patience is cheap. */
const abandonedAfterMs = 24 * 3600_000;

/** The folder of hard links through which this process opens cached objects. */
export class LeaseFolder {
  readonly #leases: string;
  readonly #folder: string;
  #begun: Promise<void> | undefined;
  #renewal: NodeJS.Timeout | undefined;

  constructor(layout: CacheLayout) {
    this.#leases = layout.leases;
    this.#folder = `${layout.leases}/${processIdentity()}.${randomUUID()}`;
  }

  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** A path for something unfinished; it goes with the folder if this process is killed. */
  scratchPath(): string {
    return `${this.#folder}/${randomUUID()}.part`;
  }

  /** Makes the folder, again if somebody emptied the cache directory meanwhile. */
  async create(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    this.#begun ??= this.#begin();
    await this.#begun;
  }

  /** Links to an object. @returns false when the object is not (or no longer) in the cache */
  async take(objectFile: string, name: string): Promise<boolean> {
    const scratch = this.scratchPath();
    try {
      await link(objectFile, scratch);
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return false;
      throw error;
    }
    // Replaces a lease of an older file of this name at once: there is no moment without a file.
    await rename(scratch, this.path(name));
    // Renaming one link over another of the same file does nothing.
    await rm(scratch, { force: true });
    return true;
  }

  /** Gives a lease up. `times` tells other processes when the object was last used. */
  drop(name: string, times?: { readonly usedMs: number; readonly modifiedMs: number }): void {
    const path = this.path(name);
    try {
      // The modification time must stay as recorded, to the last digit.
      if (times !== undefined) utimesSync(path, times.usedMs / 1000, times.modifiedMs / 1000);
      unlinkSync(path);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#renewal);
    await this.#begun?.catch(() => undefined);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #begin(): Promise<void> {
    this.#renewal = setInterval(() => {
      const now = new Date();
      utimes(this.#folder, now, now).catch(() => undefined);
    }, renewMs);
    this.#renewal.unref();
    await sweepLeases(this.#leases);
  }
}

/** Removes the folders of dead processes. Best effort: others may sweep at the same time. */
async function sweepLeases(leases: string): Promise<void> {
  for (const owner of await readdir(leases)) {
    const path = `${leases}/${owner}`;
    const liveness = livenessOf(owner);
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (liveness === 'dead' || (liveness === 'unknown' && age > abandonedAfterMs)) {
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}
