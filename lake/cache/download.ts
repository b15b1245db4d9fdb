import { createHash } from 'node:crypto';
import { type FileHandle, open, utimes } from 'node:fs/promises';
import { type ObjectStore, StoreError } from '../store/object-store.ts';
import { bootId } from '../store/process-identity.ts';
import type { EntryMeta } from './entry.ts';

/**
 * Streams an object into a new file at `path`.
 * @param size what the caller knows the object to have; undefined when it does not know
 * @throws StoreError when the object has another size; what the store or the file system throws
 */
export async function download(
  store: ObjectStore,
  key: string,
  path: string,
  size: number | undefined,
  signal: AbortSignal | undefined,
): Promise<EntryMeta> {
  const hash = createHash('sha256');
  let written = 0;
  const handle = await open(path, 'wx', 0o444);
  try {
    for await (const chunk of store.stream(key, signal === undefined ? {} : { signal })) {
      await writeAll(handle, chunk);
      hash.update(chunk);
      written += chunk.length;
      // An object that is not the expected one may be of any size: do not fill the disk with it.
      if (size !== undefined && written > size) break;
    }
    if (size !== undefined && written !== size) throw sizeError(store, key, size, written);
    // Flushing thousands of files takes longer than checking them after the rare restart of a machine.
    if (bootId() === '') await handle.sync();
  } finally {
    await handle.close();
  }
  const mtimeSeconds = Math.floor(Date.now() / 1000);
  await utimes(path, new Date(), mtimeSeconds);
  return { store: store.uri, key, size: written, sha256: hash.digest('hex'), mtimeSeconds, boot: bootId() };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}

/** An object is not the one that the caller expects. */
export function sizeError(store: ObjectStore, key: string, expected: number, found: number): StoreError {
  const size = found > expected ? `more than ${expected}` : `only ${found}`;
  return new StoreError(`${key} in ${store.uri} has ${size} bytes`, {
    expected: `${expected} bytes, as the table's log says`,
    where: { file: key },
    remedy: 'something other than Runlake changed the object: restore it, or run runlake lake fsck',
  });
}
