import { resolve } from 'node:path';
import { MANIFEST_FILE } from '../../../../ingest/families/chaosbench/files.ts';
import type { CallOptions, ObjectInfo, ObjectStore } from '../../../../lake/store/object-store.ts';
import { openStore, parseStoreUri } from '../../../../lake/store/open-store.ts';
import { writeDocuments } from '../documents.ts';
import { PublishConflictError } from './errors.ts';
import {
  type DirectoryFiles,
  type WriteDirectory,
  type WriteOptions,
  writeByMarker,
  writeByRename,
} from './write-directory.ts';

/** The page that lists the runs of a tree. */
export const INDEX_FILE = 'README.md';

/** How often an index is written again because the tree changed meanwhile. */
const MAX_INDEX_ROUNDS = 20;

/** A directory of published runs, one directory each, with their index: local or in a bucket. */
export class PublishedTree {
  readonly uri: string;
  readonly #store: ObjectStore;
  readonly #write: WriteDirectory;

  constructor(store: ObjectStore, write: WriteDirectory) {
    this.uri = store.uri;
    this.#store = store;
    this.#write = write;
  }

  /** @param uri a path, `file:PATH` or `s3://bucket/prefix`; nothing is created before the first run is published */
  static async open(uri: string, env: NodeJS.ProcessEnv): Promise<PublishedTree> {
    const address = parseStoreUri(uri);
    const store = await openStore(uri, { env });
    const write =
      address.kind === 'local' ? writeByRename(resolve(address.path)) : writeByMarker(store, MANIFEST_FILE);
    return new PublishedTree(store, write);
  }

  /** Names of the directories that are runs, which those without a manifest are not, in key order. */
  async names(options: CallOptions = {}): Promise<string[]> {
    const names: string[] = [];
    for await (const { key } of this.#store.list(options)) {
      const [name, file, ...deeper] = key.split('/');
      if (name !== undefined && file === MANIFEST_FILE && deeper.length === 0) names.push(name);
    }
    return names;
  }

  /** What lies in a directory, by name. */
  async list(name: string, options: CallOptions = {}): Promise<Map<string, ObjectInfo>> {
    const files = new Map<string, ObjectInfo>();
    for await (const info of this.#store.list({ ...options, prefix: `${name}/` })) {
      files.set(info.key.slice(name.length + 1), info);
    }
    return files;
  }

  /** The bytes of a file of a run; undefined when it has no such file. */
  async read(name: string, file: string, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const key = `${name}/${file}`;
    return (await this.#store.head(key, options)) === undefined ? undefined : this.#store.get(key, options);
  }

  /** Names of the files whose content is other than `files` says, extra and missing ones included. */
  async differing(
    name: string,
    present: ReadonlyMap<string, ObjectInfo>,
    files: DirectoryFiles,
    options: CallOptions = {},
  ): Promise<string[]> {
    const differing: string[] = [];
    for (const file of new Set([...present.keys(), ...files.keys()])) {
      const wanted = files.get(file);
      const same =
        wanted !== undefined &&
        present.get(file)?.size === wanted.length &&
        Buffer.from(await this.#store.get(`${name}/${file}`, options)).equals(wanted);
      if (!same) differing.push(file);
    }
    return differing.sort();
  }

  /** Makes `files` the whole content of a run's directory. @throws PublishConflictError, StoreError */
  write(name: string, files: DirectoryFiles, options: WriteOptions): Promise<void> {
    return this.#write(name, files, options);
  }

  /** @throws PublishConflictError when the file in its place is not an index that was generated */
  async checkIndex(isIndex: (text: string) => boolean, options: CallOptions = {}): Promise<void> {
    const text = await this.#index(options);
    if (text === undefined || isIndex(text)) return;
    throw new PublishConflictError(`${this.uri}/${INDEX_FILE} is not an index of published runs`, {
      where: { file: INDEX_FILE },
      expected: 'no such file, or one that publishing wrote',
      remedy: 'publish into a directory of its own, or move the file away',
    });
  }

  /**
   * Writes the index that `render` makes of the tree. Another process may publish at the same time, so the tree is
   * looked at again afterwards, until nothing is new.
   */
  async writeIndex(render: () => Promise<string>, options: CallOptions = {}): Promise<void> {
    for (let round = 0; round < MAX_INDEX_ROUNDS; round++) {
      const text = await render();
      if ((await this.#index(options)) === text) return;
      await writeDocuments(this.#store, new Map([[INDEX_FILE, text]]), options);
    }
  }

  async #index(options: CallOptions): Promise<string | undefined> {
    if ((await this.#store.head(INDEX_FILE, options)) === undefined) return undefined;
    return Buffer.from(await this.#store.get(INDEX_FILE, options)).toString('utf8');
  }
}
