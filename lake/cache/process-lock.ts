import { randomUUID } from 'node:crypto';
import { lstat, lutimes, mkdir, readlink, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasErrno } from '../errors.ts';
import { livenessOf, processIdentity } from '../store/process-identity.ts';
import { removeFile } from '../store/remove.ts';

/** A lock is renewed this often while its owner works … */
const renewMs = 5_000;
/** … and free for all when it was not renewed for so long, should its owner hang or be on a lost machine. */
const staleMs = 30_000;

/**
 * A lock between processes: a symbolic link whose target names the owner, because a link appears with its content
 * in one step. It only spares double work and never guards correctness: in a rare race between two processes that
 * clear the lock of a dead one, both may hold it.
 */
export class ProcessLock {
  readonly #path: string;
  readonly #owner: string;
  readonly #renewal: NodeJS.Timeout;

  private constructor(path: string, owner: string) {
    this.#path = path;
    this.#owner = owner;
    this.#renewal = setInterval(() => {
      const now = new Date();
      lutimes(path, now, now).catch(() => undefined);
    }, renewMs);
    this.#renewal.unref();
  }

  /** Takes the lock, or resolves to undefined when a living process has it. */
  static async tryTake(path: string): Promise<ProcessLock | undefined> {
    const owner = `${processIdentity()}.${randomUUID()}`;
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        await symlink(owner, path);
        return new ProcessLock(path, owner);
      } catch (error) {
        if (hasErrno(error, 'ENOENT')) await mkdir(dirname(path), { recursive: true });
        else if (!hasErrno(error, 'EEXIST')) throw error;
        else if (await isAbandoned(path)) await removeFile(path);
        else return undefined;
      }
    }
    return undefined;
  }

  async release(): Promise<void> {
    clearInterval(this.#renewal);
    const owner = await readlink(this.#path).catch(() => undefined);
    // A lock that was taken from us for hanging is somebody else's now.
    if (owner === this.#owner) await removeFile(this.#path);
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    if (livenessOf(await readlink(path)) === 'dead') return true;
    return Date.now() - (await lstat(path)).mtimeMs > staleMs;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return true;
    throw error;
  }
}
