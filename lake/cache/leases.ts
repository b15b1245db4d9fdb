import { randomUUID } from 'node:crypto';
import { linkSync, renameSync, rmSync, unlinkSync, utimesSync } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
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

  /** Makes the folder, once, and clears away what dead processes left. */
  begin(): Promise<void> {
    this.#begun ??= this.#begin();
    return this.#begun;
  }

  /** Makes the folder again if somebody emptied the cache directory meanwhile. */
  async restore(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
  }

  /**
   * Links to an object. Synchronous, as a few microseconds in place of a few hundred count when a process takes
   * up thousands of files. @returns false when the object is not (or no longer) in the cache
   */
  take(objectFile: string, name: string): boolean {
    try {
      linkSync(objectFile, this.path(name));
      return true;
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return false;
      if (!hasErrno(error, 'EEXIST')) throw error;
    }
    return this.#replace(objectFile, name);
  }

  /** Puts a lease in the place of one of an older file at once: there is no moment without a file. */
  #replace(objectFile: string, name: string): boolean {
    const scratch = this.scratchPath();
    try {
      linkSync(objectFile, scratch);
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return false;
      throw error;
    }
    renameSync(scratch, this.path(name));
    // Renaming one link over another of the same file does nothing.
    rmSync(scratch, { force: true });
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
    await this.restore();
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
