import { type FileHandle, open } from 'node:fs/promises';
import { CancelledError, hasErrno, messageOf } from '../../../lake/errors.ts';
import { ObjectNotFoundError, StoreError } from '../../../lake/store/object-store.ts';
import type { ByteSource } from './byte-source.ts';
import { checkLength, checkRange } from './range-check.ts';

/** Positional reads of a local file. The handle is opened by the first read and kept until `close`. */
export function fileSource(path: string, size: number, name = path): ByteSource {
  let handle: Promise<FileHandle> | undefined;

  async function opened(): Promise<FileHandle> {
    handle ??= open(path, 'r');
    try {
      return await handle;
    } catch (error) {
      handle = undefined;
      if (hasErrno(error, 'ENOENT')) throw new ObjectNotFoundError('the local file system', name, error);
      throw new StoreError(`cannot open ${path}: ${messageOf(error)}`, {
        where: { file: name },
        cause: error,
      });
    }
  }

  return {
    name,
    size,
    async read(start, end, signal) {
      checkRange(name, size, start, end);
      if (signal?.aborted) throw new CancelledError(`reading ${name}`, signal.reason);
      const length = end - start;
      // Not from Buffer's pool, and not a Buffer: its slice() is a view, which callers of Uint8Array do not expect.
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer, 0, length);
      const file = await opened();
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await readAt(file, bytes, filled, start + filled, path);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      if (signal?.aborted) throw new CancelledError(`reading ${name}`, signal.reason);
      return checkLength(name, start, end, filled === length ? bytes : bytes.subarray(0, filled));
    },
    async close() {
      const closing = handle;
      handle = undefined;
      await (await closing?.catch(() => undefined))?.close();
    },
  };
}

async function readAt(file: FileHandle, into: Uint8Array, offset: number, position: number, path: string) {
  try {
    return await file.read(into, offset, into.length - offset, position);
  } catch (error) {
    throw new StoreError(`cannot read ${path}: ${messageOf(error)}`, { where: { file: path }, cause: error });
  }
}
