import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { checkSignal } from './abort.ts';

/**
 * Opens a regular file for reading; undefined when the path names something else (a directory, a pipe).
 * `O_NONBLOCK` keeps a named pipe in an untrusted tree from blocking a thread for ever.
 */
export async function openRegularFile(path: string): Promise<FileHandle | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if ((await handle.stat()).isFile()) return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return undefined;
}

/** Fills `target` from the file at `position`; returns the bytes read, fewer only at the file's end. */
export async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  const largestRead = 1 << 30; // the kernel refuses reads of 2 GiB and more
  let filled = 0;
  while (filled < target.length) {
    const length = Math.min(target.length - filled, largestRead);
    const { bytesRead } = await handle.read(target, filled, length, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** Yields bytes `[start, end)` of an open file in chunks, fresh ones unless they are transient; ends early at the end of the file. */
export async function* fileChunks(
  handle: FileHandle,
  range: { readonly start: number; readonly end: number },
  chunkBytes: number,
  signal: AbortSignal | undefined,
  what: string,
  transient = false,
): AsyncIterable<Uint8Array> {
  // Not cleared: every byte that is yielded was read from the file.
  const allocate = (bytes: number) => new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
  const kept = transient ? allocate(Math.max(0, Math.min(chunkBytes, range.end - range.start))) : undefined;
  for (let position = range.start; position < range.end; ) {
    checkSignal(signal, what);
    const length = Math.min(chunkBytes, range.end - position);
    const chunk = kept?.subarray(0, length) ?? allocate(length);
    const filled = await readFully(handle, chunk, position);
    if (filled > 0) yield chunk.subarray(0, filled);
    if (filled < chunk.length) return;
    position += filled;
  }
}
