import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasErrno } from '../errors.ts';
import { reservedSegment } from './keys.ts';
import { livenessOf, processIdentity } from './process-identity.ts';
import { removeFile } from './remove.ts';

/** Unfinished writes of a process that cannot be asked (another machine) count as abandoned after a day. */
const abandonedAfterMs = 24 * 3600 * 1000;

/** A directory's files in the making: each is written whole and flushed before it gets its name. */
export class Staging {
  readonly #folder: string;
  #swept: Promise<void> | undefined;

  constructor(root: string) {
    this.#folder = `${root}/${reservedSegment}`;
  }

  /** Writes a file through `fill`, flushes it to disk, hands its path to `publish`, and removes what is left. */
  async write<T>(
    fill: (handle: FileHandle) => Promise<void>,
    publish: (path: string) => Promise<T>,
  ): Promise<T> {
    this.#swept ??= this.#sweep();
    await this.#swept;
    const path = `${this.#folder}/${processIdentity()}.${randomUUID()}`;
    try {
      const handle = await openNew(path);
      try {
        await fill(handle);
        await handle.sync();
      } finally {
        await handle.close();
      }
      return await publish(path);
    } finally {
      await removeFile(path);
    }
  }

  /** Removes what killed processes left behind. Best effort: a file that resists is not in anybody's way. */
  async #sweep(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) {
      const path = `${this.#folder}/${name}`;
      const liveness = livenessOf(name);
      const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
      if (liveness === 'dead' || (liveness === 'unknown' && age > abandonedAfterMs)) {
        await removeFile(path).catch(() => undefined);
      }
    }
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, 'wx');
  }
}

/**
 * Gives a staged file its name: runs `name` and creates missing directories when it fails for want of them,
 * again if a concurrent delete tidies them away. Afterwards the new name survives a power cut.
 */
export async function publishInto(target: string, name: () => Promise<void>): Promise<void> {
  const folder = dirname(target);
  for (let attempt = 1; ; attempt++) {
    try {
      await name();
      break;
    } catch (error) {
      if (!hasErrno(error, 'ENOENT') || attempt > 20) throw error;
      await makeFolder(folder);
    }
  }
  await syncFolder(folder);
}

/** Makes a directory, unless somebody who deletes its last file removes it again in the meantime. */
async function makeFolder(folder: string): Promise<void> {
  try {
    const firstNew = await mkdir(folder, { recursive: true });
    if (firstNew !== undefined) await syncUpTo(dirname(folder), dirname(firstNew));
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

/** Flushes `folder` and the directories above it up to and including `top`. */
async function syncUpTo(folder: string, top: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    await syncFolder(at);
    if (at === top || at === dirname(at)) return;
  }
}

/** Flushes a directory, so that names given in it survive a power cut; one that is gone or closed to us is passed over. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, 'r');
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'EACCES')) return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems cannot flush directories; they order their operations themselves.
    if (!hasErrno(error, 'EINVAL') && !hasErrno(error, 'ENOTSUP')) throw error;
  } finally {
    await handle.close();
  }
}
