import { realpathSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import {
  type CallOptions,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  StoreError,
  type StreamOptions,
} from './object-store.ts';

/**
 * A store of which only what lies below a prefix exists, for reading: neither other keys nor, in a directory, symbolic links
 * that lead out of it. For trees of which somebody else than the machine's user chose the address.
 */
export class ConfinedStore implements ObjectStore {
  readonly uri: string;
  readonly identity: string;
  readonly #store: ObjectStore;
  readonly #prefix: string;
  #root: Promise<string> | undefined;

  /** @param prefix a key without a slash at its end; empty for the whole store, then only links are looked at */
  constructor(store: ObjectStore, prefix: string) {
    this.uri = store.uri;
    this.identity = store.identity ?? store.uri;
    this.#store = store;
    this.#prefix = prefix;
  }

  /** Of a file only: directories hold more than what was looked at. */
  localPath(key: string): string | undefined {
    const path = this.#isBelow(key) ? this.#store.localPath(key) : undefined;
    if (path === undefined) return undefined;
    try {
      const real = realpathSync(path);
      const root = realpathSync(this.#rootPath());
      return isInside(real, root) && statSync(real).isFile() ? real : undefined;
    } catch {
      return undefined;
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return (await this.#exists(key)) ? this.#store.head(key, options) : undefined;
  }

  async get(key: string, options?: GetOptions): Promise<Uint8Array> {
    await this.#require(key);
    return this.#store.get(key, options);
  }

  async *stream(key: string, options?: StreamOptions): AsyncIterable<Uint8Array> {
    await this.#require(key);
    yield* this.#store.stream(key, options);
  }

  async *list(options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const { prefix = '' } = options;
    const all = this.#prefix === '' ? '' : `${this.#prefix}/`;
    if (!all.startsWith(prefix) && !prefix.startsWith(all)) return;
    // What is asked for may begin above what there is.
    const narrowed = all.startsWith(prefix) ? all : prefix;
    for await (const object of this.#store.list({ ...options, prefix: narrowed })) {
      if (await this.#exists(object.key)) yield object;
    }
  }

  put(key: string): Promise<never> {
    return this.#refuse(key);
  }
  putIfAbsent(key: string): Promise<never> {
    return this.#refuse(key);
  }
  upload(key: string): Promise<never> {
    return this.#refuse(key);
  }
  delete(keys: readonly string[]): Promise<never> {
    return this.#refuse(keys[0] ?? '');
  }

  #isBelow(key: string): boolean {
    return this.#prefix === '' || key === this.#prefix || key.startsWith(`${this.#prefix}/`);
  }

  #rootPath(): string {
    const path = this.#prefix === '' ? undefined : this.#store.localPath(this.#prefix);
    return path ?? this.#store.uri.replace(/^file:/, '');
  }

  async #exists(key: string): Promise<boolean> {
    if (!this.#isBelow(key)) return false;
    const path = this.#store.localPath(key);
    if (path === undefined) return true;
    this.#root ??= realpath(this.#rootPath());
    try {
      return isInside(await realpath(path), await this.#root);
    } catch {
      this.#root = undefined;
      return false;
    }
  }

  async #require(key: string): Promise<void> {
    if (!(await this.#exists(key))) throw new ObjectNotFoundError(this.uri, key);
  }

  async #refuse(key: string): Promise<never> {
    throw new StoreError(`${key} cannot be written: ${this.uri} is open for reading only`);
  }
}

/** Whether an absolute path is a directory or lies in it; both without links, `.` and `..`. */
export function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
