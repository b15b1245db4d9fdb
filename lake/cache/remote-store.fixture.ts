import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalStore } from '../store/local-store.ts';
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  UploadSource,
} from '../store/object-store.ts';

/** A directory that pretends to be remote: no local paths, slow streams, every fetch noted. */
export class RemoteStore implements ObjectStore {
  readonly uri: string;
  readonly identity: string;
  readonly #store: LocalStore;
  readonly #log: string | undefined;
  readonly #chunkPauseMs: number;
  readonly #together: number;
  /** Keys in the order in which fetches of them began. */
  readonly fetched: string[] = [];
  running = 0;
  mostRunning = 0;
  aborted = 0;

  /** @param options.together streams begin to give something once so many have been open at the same time */
  constructor(
    root: string,
    options: { log?: string; chunkPauseMs?: number; together?: number; identity?: string } = {},
  ) {
    this.#store = new LocalStore(root);
    this.uri = `s3://fake${this.#store.root}`;
    this.identity = options.identity ?? this.uri;
    this.#log = options.log;
    this.#chunkPauseMs = options.chunkPauseMs ?? 0;
    this.#together = options.together ?? 0;
  }

  localPath(): undefined {
    return undefined;
  }

  async *stream(key: string, options: GetOptions = {}): AsyncIterable<Uint8Array> {
    this.fetched.push(key);
    if (this.#log !== undefined) appendFileSync(this.#log, `${key}\n`);
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    let whole = false;
    try {
      const bytes = await this.#store.get(key, options);
      while (this.mostRunning < this.#together) await sleep(1);
      for (let at = 0; at < bytes.length; at += 10_000) {
        await sleep(this.#chunkPauseMs);
        options.signal?.throwIfAborted();
        yield bytes.subarray(at, at + 10_000);
      }
      whole = true;
    } finally {
      this.running -= 1;
      if (!whole) this.aborted += 1;
    }
  }

  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#store.head(key, options);
  }
  get(key: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#store.get(key, options);
  }
  put(key: string, body: Uint8Array, options?: CallOptions): Promise<void> {
    return this.#store.put(key, body, options);
  }
  putIfAbsent(key: string, body: Uint8Array, options?: CallOptions): Promise<boolean> {
    return this.#store.putIfAbsent(key, body, options);
  }
  upload(key: string, source: UploadSource, options?: CallOptions): Promise<number> {
    return this.#store.upload(key, source, options);
  }
  list(options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#store.list(options);
  }
  delete(keys: readonly string[], options?: CallOptions): Promise<void> {
    return this.#store.delete(keys, options);
  }
}
