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

/** Makes `files` the whole content of the directory `name`; nobody sees a part of them. */
export type ReplaceDirectory = (name: string, files: DirectoryFiles, options?: CallOptions) => Promise<void>;

/**
 * Replacing in a local directory: the new directory is written beside the old one, flushed, and renamed into its place.
 * Between the two renames there is an instant without either; when the second one fails the old directory comes back.
 */
export function replaceByRename(root: string): ReplaceDirectory {
  return async (name, files) => {
    await sweep(root);
    const staging = join(root, reservedSegment, `${processIdentity()}.${randomUUID()}`);
    const [fresh, old, target] = [join(staging, 'new'), join(staging, 'old'), join(root, name)];
    try {
      await mkdir(fresh, { recursive: true });
      for (const [file, bytes] of files) await writeFlushed(join(fresh, file), bytes);
      await syncFolder(fresh);
      const moved = await renamed(target, old);
      try {
        await rename(fresh, target);
      } catch (error) {
        if (moved) await rename(old, target);
        if (!hasErrno(error, 'ENOTEMPTY') && !hasErrno(error, 'EEXIST')) throw error;
        throw new PublishConflictError(`another process has just written ${target}`, { cause: error });
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
 * Replacing in an object store, which has no rename: the object `marker`, without which a directory is no run, is
 * deleted first and written last. In between readers see no run.
 */
export function replaceByMarker(store: ObjectStore, marker: string): ReplaceDirectory {
  return async (name, files, options = {}) => {
    const stale: string[] = [];
    for await (const { key } of store.list({ ...options, prefix: `${name}/` })) {
      if (key !== `${name}/${marker}` && !files.has(key.slice(name.length + 1))) stale.push(key);
    }
    await store.delete([`${name}/${marker}`], options);
    await store.delete(stale, options);
    for (const [file, bytes] of files) {
      if (file !== marker) await store.put(`${name}/${file}`, bytes, options);
    }
    const bytes = files.get(marker);
    if (bytes !== undefined) await store.put(`${name}/${marker}`, bytes, options);
  };
}
