import { CancelledError } from '../../../lake/errors.ts';
import { type CallOptions, ObjectNotFoundError, type ObjectStore } from '../../../lake/store/object-store.ts';
import { fileSource } from './file-source.ts';
import { checkLength, checkRange } from './range-check.ts';

/**
 * Random access to the bytes of one artifact. What `read` returns may be a view of a shared buffer: do not write
 * to it, and copy what must outlive a larger read.
 */
export interface ByteSource {
  /** For messages: a path or a key. */
  readonly name: string;
  /** In bytes; fixed when the source was made. */
  readonly size: number;
  /**
   * Exactly the bytes `[start, end)`.
   * @throws FormatError `TRUNCATED` when the range leaves the source or the object has become shorter
   * @throws CancelledError
   */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Releases what the source holds open; reading afterwards opens it again. Safe to call twice. */
  close(): Promise<void>;
}

/** The bytes of an object of known size: positional reads where the store is a local directory, ranges elsewhere. */
export function storeSource(store: ObjectStore, key: string, size: number): ByteSource {
  const path = store.localPath(key);
  if (path !== undefined) return fileSource(path, size, key);
  return {
    name: key,
    size,
    async read(start, end, signal) {
      checkRange(key, size, start, end);
      if (start === end) return new Uint8Array(0);
      const options = { range: { start, end }, ...(signal === undefined ? {} : { signal }) };
      return checkLength(key, start, end, await store.get(key, options));
    },
    async close() {},
  };
}

/** As `storeSource`, asking the store for the size. @throws ObjectNotFoundError */
export async function openSource(
  store: ObjectStore,
  key: string,
  options?: CallOptions,
): Promise<ByteSource> {
  const info = await store.head(key, options);
  if (info === undefined) throw new ObjectNotFoundError(store.uri, key);
  return storeSource(store, key, info.size);
}

/** Bytes that are in memory already. Reads are views, nothing is copied. */
export function memorySource(bytes: Uint8Array, name = 'memory'): ByteSource {
  return {
    name,
    size: bytes.length,
    async read(start, end, signal) {
      if (signal?.aborted) throw new CancelledError(`reading ${name}`, signal.reason);
      checkRange(name, bytes.length, start, end);
      return bytes.subarray(start, end);
    },
    async close() {},
  };
}

/** Part `[start, end)` of a source as a source of its own, e.g. a member of a zip or a huge LMDB value. */
export function sliceSource(source: ByteSource, start: number, end: number, name = source.name): ByteSource {
  checkRange(source.name, source.size, start, end);
  return {
    name,
    size: end - start,
    async read(from, to, signal) {
      checkRange(name, end - start, from, to);
      return source.read(start + from, start + to, signal);
    },
    async close() {},
  };
}
