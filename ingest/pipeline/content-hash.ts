import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ObjectInfo, ObjectStore } from '../../lake/store/object-store.ts';
import { relativeKey } from '../discovery/path.ts';
import type { StoreRef } from '../family.ts';

const cacheSchema = z.record(z.string(), z.string());

export interface HashOptions {
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * SHA-256 of files, remembered on disk by store, key, size and modification time, so that asking whether a
 * 100 GB store has changed costs a listing. Losing the memory costs time only.
 */
export class ContentHasher {
  readonly #path: string;
  readonly #known: Map<string, string>;
  #dirty = false;

  private constructor(path: string, known: Map<string, string>) {
    this.#path = path;
    this.#known = known;
  }

  /** @param home the directory under which the memory is kept */
  static async open(home: string): Promise<ContentHasher> {
    const path = join(home, 'content-hashes.json');
    const text = await readFile(path, 'utf8').catch(() => '{}');
    const parsed = cacheSchema.safeParse(parseOrUndefined(text));
    return new ContentHasher(path, new Map(parsed.success ? Object.entries(parsed.data) : []));
  }

  /** Hash of one file's bytes, in hex. */
  async file(store: ObjectStore, info: ObjectInfo, options: HashOptions = {}): Promise<string> {
    const id = `${store.uri}\n${info.key}\n${info.size}\n${info.modified.getTime()}`;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const digest = await fileHash(store, info.key, options);
    // A file touched within the clock's resolution could change again unseen.
    if (Date.now() - info.modified.getTime() > 2_000) {
      this.#known.set(id, digest);
      this.#dirty = true;
    }
    return digest;
  }

  /** Hash of a set of files: of their names relative to `root` and their contents. */
  async files(
    store: ObjectStore,
    root: string,
    files: Iterable<ObjectInfo>,
    options: HashOptions = {},
  ): Promise<string> {
    const hash = createHash('sha256');
    for (const info of files) {
      hash.update(
        `${JSON.stringify(relativeKey(root, info.key))} ${await this.file(store, info, options)}\n`,
      );
    }
    return hash.digest('hex');
  }

  /** Hash of every file of an activation store. `lock.mdb` is a scratch file of running processes and left out. */
  async store(store: ObjectStore, ref: StoreRef, options: HashOptions = {}): Promise<string> {
    const hash = createHash('sha256').update(`${ref.format}\n`);
    const parent = ref.root.includes('/') ? ref.root.slice(0, ref.root.lastIndexOf('/')) : '';
    for (const prefix of ref.prefixes) {
      for await (const info of store.list({ prefix, signal: options.signal })) {
        if (info.key.endsWith('/lock.mdb')) continue;
        const name = parent === '' ? info.key : info.key.slice(parent.length + 1);
        hash.update(`${JSON.stringify(name)} ${await this.file(store, info, options)}\n`);
      }
    }
    return hash.digest('hex');
  }

  /** Writes the memory to disk. */
  async save(): Promise<void> {
    if (!this.#dirty) return;
    await mkdir(dirname(this.#path), { recursive: true });
    const temporary = `${this.#path}.${process.pid}`;
    await writeFile(temporary, JSON.stringify(Object.fromEntries(this.#known)));
    await rename(temporary, this.#path);
    this.#dirty = false;
  }
}

/** SHA-256 of an object's bytes, in hex. */
export async function fileHash(store: ObjectStore, key: string, options: HashOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of store.stream(key, { signal: options.signal, transient: true })) {
    hash.update(chunk);
    options.onBytes?.(chunk.byteLength);
  }
  return hash.digest('hex');
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
