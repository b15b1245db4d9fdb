import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ObjectInfo, ObjectStore } from '../../../lake/store/object-store.ts';
import { CheckpointError } from '../errors.ts';

/** What a checkpoint directory may hold that the engine or its tokenizer reads. */
const wanted = /\.(json|safetensors|jinja|txt|model)$/;

/**
 * The local directory of a checkpoint that lies in a store. One in a local store is used where it lies; otherwise its
 * files are copied below `folder`, once for each state of the store: a checkpoint that was replaced is copied anew.
 * Several processes may ask at the same time; each sees a complete directory or none.
 * @param prefix the directory's key, with or without a slash at its end
 * @throws CheckpointError there is nothing of this name; StoreError; CancelledError
 */
export async function fetchCheckpoint(
  store: ObjectStore,
  prefix: string,
  folder: string,
  signal?: AbortSignal,
): Promise<string> {
  const root = `${prefix.replace(/\/+$/, '')}/`;
  const options = signal === undefined ? {} : { signal };
  const files: ObjectInfo[] = [];
  for await (const info of store.list({ prefix: root, ...options })) {
    const name = info.key.slice(root.length);
    if (name === basename(name) && wanted.test(name)) files.push(info);
  }
  const config = files.find((info) => info.key === `${root}config.json`);
  if (config === undefined) {
    throw new CheckpointError(`there is no checkpoint at ${store.uri}/${root}`, {
      expected: 'a directory with config.json and *.safetensors',
    });
  }
  const local = store.localPath(config.key);
  if (local !== undefined) return dirname(local);

  const state = files.map(({ key, size, modified }) => `${key}\0${size}\0${modified.toISOString()}`);
  const identity = [store.identity ?? store.uri, ...state].join('\n');
  const target = join(folder, createHash('sha256').update(identity).digest('hex').slice(0, 32));
  if (await isDirectory(target)) return target;
  await mkdir(folder, { recursive: true });
  const partial = await mkdtemp(join(folder, 'partial-'));
  try {
    for (const { key, size } of files) {
      const path = join(partial, basename(key));
      await pipeline(Readable.from(store.stream(key, options)), createWriteStream(path));
      const copied = (await stat(path)).size;
      if (copied !== size) {
        throw new CheckpointError(`${key} changed while it was copied`, {
          expected: `${size} bytes`,
          where: { file: key },
        });
      }
    }
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another process was faster: its copy is as good.
    if (await isDirectory(target)) return target;
    throw error;
  }
  return target;
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
