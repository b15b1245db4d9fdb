import { messageOf } from '../errors.ts';
import { checkSignal } from './abort.ts';
import { fileChunks, openRegularFile } from './file-chunks.ts';
import { StoreError, type UploadSource } from './object-store.ts';

/** The bytes of a source in order, in pieces of any size that need not be copied to be kept. */
export async function* sourceChunks(
  source: UploadSource,
  chunkBytes: number,
  signal: AbortSignal | undefined,
  what: string,
): AsyncIterable<Uint8Array> {
  if (source instanceof Uint8Array) {
    yield source;
  } else if ('file' in source) {
    yield* fileSourceChunks(source.file, chunkBytes, signal, what);
  } else {
    yield* source;
  }
}

async function* fileSourceChunks(
  path: string,
  chunkBytes: number,
  signal: AbortSignal | undefined,
  what: string,
): AsyncIterable<Uint8Array> {
  const handle = await openRegularFile(path).catch((error: unknown) => {
    throw new StoreError(`cannot read ${path} for ${what}: ${messageOf(error)}`, {
      where: { file: path },
      cause: error,
    });
  });
  if (handle === undefined) {
    throw new StoreError(`cannot read ${path} for ${what}: it is not a file`, { where: { file: path } });
  }
  try {
    const { size } = await handle.stat();
    let read = 0;
    for await (const chunk of fileChunks(handle, { start: 0, end: size }, chunkBytes, signal, what)) {
      read += chunk.length;
      yield chunk;
    }
    if (read < size) throw new StoreError(`${path} shrank during ${what}`, { where: { file: path } });
  } finally {
    await handle.close();
  }
}

function isStream(source: UploadSource): source is AsyncIterable<Uint8Array> {
  return !(source instanceof Uint8Array) && !('file' in source);
}

/**
 * Cuts a source into parts of exactly `partBytes(n)` bytes, n = 1, 2, …; the last one is shorter. An empty source
 * gives one empty part. Parts of an array are not copied.
 */
export async function* sourceParts(
  source: UploadSource,
  partBytes: (part: number) => number,
  signal: AbortSignal | undefined,
  what: string,
): AsyncGenerator<Uint8Array, void> {
  // A stream may reuse its buffer once it has been asked for the next chunk; parts outlive that.
  const keep = isStream(source) ? (bytes: Uint8Array) => bytes.slice() : (bytes: Uint8Array) => bytes;
  let part = 1;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (let chunk of sourceChunks(source, partBytes(1), signal, what)) {
    checkSignal(signal, what);
    while (pendingBytes + chunk.length >= partBytes(part) && chunk.length > 0) {
      const taken = partBytes(part) - pendingBytes;
      const head = chunk.subarray(0, taken);
      yield pending.length === 0 ? keep(head) : Buffer.concat([...pending, head]);
      chunk = chunk.subarray(taken);
      pending = [];
      pendingBytes = 0;
      part += 1;
    }
    if (chunk.length > 0) {
      pending.push(keep(chunk));
      pendingBytes += chunk.length;
    }
  }
  if (pendingBytes > 0 || part === 1) yield Buffer.concat(pending);
}
