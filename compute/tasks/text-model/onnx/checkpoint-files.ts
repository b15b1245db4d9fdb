import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PermanentTaskError } from '../../../jobs/worker.ts';
import type { TaskServices } from '../../task.ts';

/** Weights in formats that are never opened; repositories hold them beside the others. */
const UNUSED = /\.(bin|pth?|ckpt|gguf|onnx|onnx_data|h5|msgpack|ot)$/;

/** A checkpoint directory on this machine. */
export interface CheckpointFiles {
  readonly path: string;
  /** Lets go of the files. */
  release(): Promise<void>;
}

/**
 * The checkpoint that a path means: a directory of this machine, or else a key of the store, whose files come through the
 * lake's cache and are linked together under their names, as in the cache of the hub.
 * @throws PermanentTaskError
 */
export async function checkpointFiles(
  path: string,
  services: Pick<TaskServices, 'store' | 'lake' | 'scratch'>,
  signal: AbortSignal,
): Promise<CheckpointFiles> {
  const { store, lake, scratch } = services;
  if (existsSync(join(path, 'config.json'))) return { path: resolve(path), release: async () => {} };
  const key = keyOf(path, store.uri);
  const found = key === undefined ? undefined : await store.head(`${key}/config.json`, { signal });
  if (key === undefined || found === undefined) {
    throw new PermanentTaskError(
      'NO_CHECKPOINT',
      `there is no checkpoint at ${path}; expected a directory with config.json, on the worker or in ${store.uri}`,
    );
  }
  const local = store.localPath(key);
  if (local !== undefined) return { path: local, release: async () => {} };
  const objects: { key: string; size: number; name: string }[] = [];
  for await (const object of store.list({ prefix: `${key}/`, signal })) {
    const name = object.key.slice(key.length + 1);
    if (!name.includes('/') && !UNUSED.test(name)) objects.push({ key: object.key, size: object.size, name });
  }
  const folder = join(scratch, `checkpoint-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const held = new AbortController();
  const releases: Promise<unknown>[] = [];
  const release = async (): Promise<void> => {
    held.abort();
    await Promise.allSettled(releases);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const { key: object, size, name } of objects) {
      const { path: file, done } = await pinned(lake, { key: object, size }, held.signal, signal);
      releases.push(done);
      await symlink(file, join(folder, name));
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { path: folder, release };
}

/** Keeps an object in the cache until `held` is aborted. */
function pinned(
  lake: TaskServices['lake'],
  object: { readonly key: string; readonly size: number },
  held: AbortSignal,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly done: Promise<unknown> }> {
  return new Promise((opened, failed) => {
    const done: Promise<unknown> = lake.withLocalFile(
      object,
      async (path) => {
        opened({ path, done: ended });
        if (!held.aborted) await once(held, 'abort');
      },
      { signal },
    );
    const ended = done.catch(failed);
  });
}

/** The key that a path or address within a store has; undefined for an address elsewhere. */
function keyOf(path: string, storeUri: string): string | undefined {
  const plain = path.replace(/\/+$/, '');
  if (plain.startsWith(`${storeUri}/`)) return plain.slice(storeUri.length + 1);
  return /^[a-z0-9+.-]+:/i.test(plain) || plain.startsWith('/') || plain === '' ? undefined : plain;
}
