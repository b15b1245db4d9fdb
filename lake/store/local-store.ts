import { constants as bufferConstants } from 'node:buffer';
import { type FileHandle, link, lstat, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { hasErrno } from '../errors.ts';
import { checkSignal } from './abort.ts';
import { fileChunks, openRegularFile, readFully } from './file-chunks.ts';
import { assertKey, assertRange } from './keys.ts';
import { errnoOf, meansAbsent, toLocalStoreError } from './local-errors.ts';
import { listTree } from './local-list.ts';
import { publishInto, Staging } from './local-staging.ts';
import {
  type CallOptions,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  StoreError,
  type StreamOptions,
  type UploadSource,
} from './object-store.ts';
import { sourceChunks } from './upload-source.ts';

const chunkBytes = 1 << 20;
const deleteBatch = 32;

/**
 * An object store in a directory. Reading never writes, so it serves read-only trees; the directory is created
 * by the first write. Objects appear by `rename` or, for put-if-absent, by `link`, which fails when the name is
 * taken: both are atomic on local file systems and on NFS from version 3.
 */
export class LocalStore implements ObjectStore {
  readonly uri: string;
  readonly root: string;
  readonly #staging: Staging;

  /** @param root directory, absolute or relative to the working directory; it need not exist */
  constructor(root: string) {
    this.root = resolve(root);
    this.uri = `file:${this.root}`;
    this.#staging = new Staging(this.root);
  }

  localPath(key: string): string {
    assertKey(key);
    return `${this.root}/${key}`;
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    const path = this.localPath(key);
    checkSignal(options.signal, `looking up ${path}`);
    try {
      const found = await stat(path);
      return found.isFile() ? { key, size: found.size, modified: found.mtime } : undefined;
    } catch (error) {
      if (meansAbsent(error)) return undefined;
      throw toLocalStoreError(error, 'look up', path);
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    const path = this.localPath(key);
    const { range, signal } = options;
    assertRange(range);
    checkSignal(signal, `reading ${path}`);
    const handle = await this.#open(key, path);
    try {
      const { size } = await handle.stat();
      const start = range?.start ?? 0;
      const length = Math.max(0, Math.min(size, range?.end ?? size) - start);
      if (length > bufferConstants.MAX_LENGTH) {
        throw new StoreError(`${path} has ${size} bytes, more than fit into memory at once`, {
          remedy: 'stream it or read it by ranges',
        });
      }
      const bytes = new Uint8Array(length);
      const filled = await readFully(handle, bytes, start);
      checkSignal(signal, `reading ${path}`);
      return bytes.subarray(0, filled);
    } catch (error) {
      throw toLocalStoreError(error, 'read', path);
    } finally {
      await handle.close();
    }
  }

  async *stream(key: string, options: StreamOptions = {}): AsyncIterable<Uint8Array> {
    const path = this.localPath(key);
    const { range, signal, transient } = options;
    assertRange(range);
    checkSignal(signal, `reading ${path}`);
    const handle = await this.#open(key, path);
    try {
      const { size } = await handle.stat();
      const bounds = { start: range?.start ?? 0, end: Math.min(size, range?.end ?? size) };
      yield* fileChunks(handle, bounds, chunkBytes, signal, `reading ${path}`, transient);
    } catch (error) {
      throw toLocalStoreError(error, 'read', path);
    } finally {
      await handle.close();
    }
  }

  async put(key: string, body: Uint8Array, options: CallOptions = {}): Promise<void> {
    await this.upload(key, body, options);
  }

  async putIfAbsent(key: string, body: Uint8Array, options: CallOptions = {}): Promise<boolean> {
    const path = this.localPath(key);
    checkSignal(options.signal, `writing ${path}`);
    try {
      if (await this.#isTaken(path)) return false;
      return await this.#staging.write(
        (handle) => handle.writeFile(body),
        async (staged) => {
          checkSignal(options.signal, `writing ${path}`);
          try {
            await publishInto(path, () => link(staged, path));
            return true;
          } catch (error) {
            if (hasErrno(error, 'EEXIST') && (await this.#isTaken(path))) return false;
            throw error;
          }
        },
      );
    } catch (error) {
      throw toLocalStoreError(error, 'create', path);
    }
  }

  async upload(key: string, source: UploadSource, options: CallOptions = {}): Promise<number> {
    const path = this.localPath(key);
    const { signal } = options;
    checkSignal(signal, `writing ${path}`);
    let size = 0;
    const fill = async (handle: FileHandle) => {
      for await (const chunk of sourceChunks(source, chunkBytes, signal, `writing ${path}`)) {
        checkSignal(signal, `writing ${path}`);
        await handle.writeFile(chunk);
        size += chunk.length;
      }
    };
    try {
      await this.#staging.write(fill, async (staged) => {
        checkSignal(signal, `writing ${path}`);
        await publishInto(path, () => rename(staged, path));
      });
    } catch (error) {
      // What a caller's stream throws is the caller's own error, not the store's.
      if (errnoOf(error) === undefined) throw error;
      throw toLocalStoreError(error, 'write', path);
    }
    return size;
  }

  async *list(options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    try {
      yield* listTree(this.root, options);
    } catch (error) {
      throw toLocalStoreError(error, 'list', this.root);
    }
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    const paths = keys.map((key) => this.localPath(key));
    for (let i = 0; i < paths.length; i += deleteBatch) {
      checkSignal(options.signal, `deleting from ${this.root}`);
      await Promise.all(paths.slice(i, i + deleteBatch).map((path) => this.#remove(path)));
    }
  }

  /** Removes a file and the directories that it leaves empty, so that they do not slow down listings for ever. */
  async #remove(path: string): Promise<void> {
    try {
      if (!(await lstat(path)).isDirectory()) await unlink(path);
    } catch (error) {
      if (meansAbsent(error)) return;
      throw toLocalStoreError(error, 'delete', path);
    }
    for (let folder = dirname(path); folder !== this.root; folder = dirname(folder)) {
      try {
        await rmdir(folder);
      } catch {
        return;
      }
    }
  }

  async #open(key: string, path: string): Promise<FileHandle> {
    try {
      const handle = await openRegularFile(path);
      if (handle !== undefined) return handle;
    } catch (error) {
      if (!meansAbsent(error)) throw toLocalStoreError(error, 'read', path);
      throw new ObjectNotFoundError(this.uri, key, error);
    }
    throw new ObjectNotFoundError(this.uri, key);
  }

  /** Whether an object has this name. A directory cannot be an object, nor make way for one. */
  async #isTaken(path: string): Promise<boolean> {
    try {
      const found = await lstat(path);
      if (!found.isDirectory()) return true;
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return false;
      throw error;
    }
    throw new StoreError(`cannot create ${path}: a directory has this name`, { where: { file: path } });
  }
}
