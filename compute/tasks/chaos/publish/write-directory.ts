import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasErrno } from '../../../../lake/errors.ts';
import { reservedSegment } from '../../../../lake/store/keys.ts';
import { syncFolder } from '../../../../lake/store/local-staging.ts';
import type { CallOptions, ObjectStore } from '../../../../lake/store/object-store.ts';
import { livenessOf, processIdentity } from '../../../../lake/store/process-identity.ts';
import { PublishConflictError } from './errors.ts';

/** The files of one directory by name. */
export type DirectoryFiles = ReadonlyMap<string, Uint8Array>;

export interface WriteOptions extends CallOptions {
  /** Whether what is in the place of the directory gives way; otherwise there must be nothing. */
  readonly overwrite: boolean;
}

/**
 * Makes `files` the whole content of the directory `name`; nobody sees a part of them.
 * @throws PublishConflictError when something is there that may not be overwritten, StoreError
 */
export type WriteDirectory = (name: string, files: DirectoryFiles, options: WriteOptions) => Promise<void>;

/**
 * Writing into a local directory: the new one is made beside the old one, flushed, and renamed into its place. Between
 * the two renames there is an instant without either; when the second one fails the old directory comes back.
 */
export function writeByRename(root: string): WriteDirectory {
  return async (name, files, { overwrite }) => {
    await sweep(root);
    const staging = join(root, reservedSegment, `${processIdentity()}.${randomUUID()}`);
    const [fresh, old, target] = [join(staging, 'new'), join(staging, 'old'), join(root, name)];
    try {
      await mkdir(fresh, { recursive: true });
      for (const [file, bytes] of files) await writeFlushed(join(fresh, file), bytes);
      await syncFolder(fresh);
      const moved = overwrite && (await renamed(target, old));
      try {
        await rename(fresh, target);
      } catch (error) {
        if (moved) await rename(old, target);
        if (!hasErrno(error, 'ENOTEMPTY') && !hasErrno(error, 'EEXIST')) throw error;
        throw justWritten(target, error);
      }
      await syncFolder(root);
    } finally {
      await rm(staging, { recursive: true, force: true });
      await rmdir(dirname(staging)).catch(() => undefined);
    }
  };
}

/** Removes what publications left behind that were killed. */
async function sweep(root: string): Promise<void> {
  const folder = join(root, reservedSegment);
  for (const name of await readdir(folder).catch(() => [])) {
    if (livenessOf(name) === 'dead') await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Whether there was something to rename. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

async function writeFlushed(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writing into an object store, which has no rename: the object `marker`, without which a directory is no run, is deleted
 * first and written last. In between readers see no run.
 */
export function writeByMarker(store: ObjectStore, marker: string): WriteDirectory {
  return async (name, files, { overwrite, ...options }) => {
    const prefix = `${name}/`;
    if (overwrite) {
      const stale: string[] = [];
      for await (const { key } of store.list({ ...options, prefix })) {
        if (!files.has(key.slice(prefix.length))) stale.push(key);
      }
      await store.delete([prefix + marker], options);
      await store.delete(stale, options);
    }
    const ordered = [...files].sort(([a], [b]) => Number(a === marker) - Number(b === marker));
    for (const [file, bytes] of ordered) {
      const key = prefix + file;
      if (overwrite) await store.put(key, bytes, options);
      else if (!(await store.putIfAbsent(key, bytes, options))) throw justWritten(`${store.uri}/${key}`);
    }
  };
}

function justWritten(place: string, cause?: unknown): PublishConflictError {
  return new PublishConflictError(`another process has just written ${place}`, {
    remedy: 'look at what is published there now, and replace it with --force if need be',
    cause,
  });
}
