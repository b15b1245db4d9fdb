import { readFile } from 'node:fs/promises';
import { CancelledError } from '../errors.ts';
import {
  type CallOptions,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  type UploadSource,
} from '../store/object-store.ts';

interface StoredObject {
  readonly body: Uint8Array;
  readonly modified: Date;
}

/** An ObjectStore in memory: a test double whose calls can be observed and made to fail. */
export class MemoryStore implements ObjectStore {
  readonly uri = 'memory:';
  readonly objects = new Map<string, StoredObject>();
  /** Called before every operation; may throw to fail it, or await to delay it. */
  before: (operation: string, key: string) => Promise<void> | void = () => {};
  /** The clock of `modified`. */
  now: () => Date = () => new Date();

  localPath(): undefined {
    return undefined;
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    await this.#enter('head', key, options);
    const object = this.objects.get(key);
    return object && { key, size: object.body.length, modified: object.modified };
  }

  async get(key: string, options?: GetOptions): Promise<Uint8Array> {
    await this.#enter('get', key, options);
    const object = this.objects.get(key);
    if (!object) throw new ObjectNotFoundError(this.uri, key);
    return object.body.slice(options?.range?.start ?? 0, options?.range?.end ?? object.body.length);
  }

  async *stream(key: string, options?: GetOptions): AsyncIterable<Uint8Array> {
    yield await this.get(key, options);
  }

  async put(key: string, body: Uint8Array, options?: CallOptions): Promise<void> {
    await this.#enter('put', key, options);
    this.objects.set(key, { body: body.slice(), modified: this.now() });
  }

  async putIfAbsent(key: string, body: Uint8Array, options?: CallOptions): Promise<boolean> {
    await this.#enter('putIfAbsent', key, options);
    if (this.objects.has(key)) return false;
    this.objects.set(key, { body: body.slice(), modified: this.now() });
    return true;
  }

  async upload(key: string, source: UploadSource, options?: CallOptions): Promise<number> {
    const parts: Uint8Array[] = [];
    if (source instanceof Uint8Array) parts.push(source);
    else if ('file' in source) parts.push(await readFile(source.file));
    else for await (const part of source) parts.push(part);
    const body = Buffer.concat(parts);
    await this.put(key, body, options);
    return body.length;
  }

  async *list(options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    await this.#enter('list', options.prefix ?? '', options);
    const { prefix = '', after } = options;
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix));
    keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const key of keys) {
      if (after !== undefined && Buffer.compare(Buffer.from(key), Buffer.from(after)) <= 0) continue;
      const object = this.objects.get(key)!;
      yield { key, size: object.body.length, modified: object.modified };
    }
  }

  async delete(keys: readonly string[], options?: CallOptions): Promise<void> {
    for (const key of keys) {
      await this.#enter('delete', key, options);
      this.objects.delete(key);
    }
  }

  async #enter(operation: string, key: string, options?: CallOptions): Promise<void> {
    if (options?.signal?.aborted) throw new CancelledError(`${operation} ${key}`);
    await this.before(operation, key);
  }
}
