import { CancelledError, InvalidArgumentError } from '../../../lake/errors.ts';
import { type CallOptions, ObjectNotFoundError, type ObjectStore } from '../../../lake/store/object-store.ts';
import { FormatError } from '../errors.ts';
import { fileSource } from './file-source.ts';

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

/** @throws FormatError `TRUNCATED`: a range outside the source comes from a file that promises more than it has. */
export function checkRange(name: string, size: number, start: number, end: number): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new InvalidArgumentError(`no such range of ${name}: [${start}, ${end})`);
  }
  if (end > size) {
    throw new FormatError(
      'TRUNCATED',
      `${name} has ${size} bytes but its content refers to bytes up to ${end}`,
      {
        where: { file: name },
        byteOffset: size,
        remedy: 'copy the file again; it was probably cut off while it was written or transferred',
      },
    );
  }
}

/** @throws FormatError `TRUNCATED` when fewer bytes came than asked for: the object changed under the reader. */
export function checkLength(name: string, start: number, end: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === end - start) return bytes;
  throw new FormatError('TRUNCATED', `${name}: ${bytes.length} of ${end - start} bytes at offset ${start}`, {
    where: { file: name },
    byteOffset: start + bytes.length,
    remedy: 'the object became shorter while it was read; ingest it again once its writer is done',
  });
}
