import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import { StoreError } from '../../../../lake/store/object-store.ts';
import {
  CANONICAL_SELECTOR,
  FREEZE_MANIFEST,
  freezeManifestSchema,
  selectorSchema,
} from '../../../contracts/chaosbench/dataset.ts';
import { TAGGED_COMMITS_FILE } from '../../../contracts/chaosbench/tagged-commits.ts';
import type { SourceTree } from '../../../family.ts';
import { readProjectDocument } from './document.ts';

/** A selector that lists more files than this is none. */
const MAX_DATASET_FILES = 1_000;
/** Loose tags of a repository that are looked at. */
const MAX_LOOSE_TAGS = 10_000;

/** What describes the dataset of a project. */
export interface DatasetPlace {
  /** Key of the project's directory. */
  readonly directory: string;
  readonly freeze: ObjectInfo | undefined;
  readonly selector: ObjectInfo | undefined;
  /** The dataset's files by their path in the selector; undefined unless every one is there. */
  readonly data: ReadonlyMap<string, ObjectInfo> | undefined;
}

/** What tells which commits are reachable from a tag. */
export interface TagsPlace {
  readonly kind: 'file' | 'repository';
  /** Key of the directory with the file, or of the working tree. */
  readonly directory: string;
  /** The file, or the files of the repository that hold its tags. */
  readonly files: readonly ObjectInfo[];
}

/** What of the project around a run decides its verdict. */
export interface Project {
  readonly dataset: DatasetPlace | undefined;
  readonly tags: TagsPlace | undefined;
}

/** Every file of a project that a verdict depends on. */
export function projectFiles({ dataset, tags }: Project): ObjectInfo[] {
  const documents = [dataset?.freeze, dataset?.selector].filter((object) => object !== undefined);
  return [...documents, ...(dataset?.data?.values() ?? []), ...(tags?.files ?? [])];
}

/**
 * Looks for the projects around runs: the nearest directory above `runs` that has a freeze manifest or a selector, and
 * the nearest with a list of tagged commits or a git repository. Every directory is looked at once.
 */
export class ProjectLocator {
  readonly #tree: SourceTree;
  readonly #datasets = new Map<string, Promise<DatasetPlace | undefined>>();
  readonly #tags = new Map<string, Promise<TagsPlace | undefined>>();

  constructor(tree: SourceTree) {
    this.#tree = tree;
  }

  /** @param root key of a run's directory */
  async project(root: string, signal?: AbortSignal): Promise<Project> {
    const start = aboveRuns(root);
    const [dataset, tags] = await Promise.all([
      nearest(this.#datasets, start, (directory) => this.#datasetIn(directory, signal)),
      nearest(this.#tags, start, (directory) => this.#tagsIn(directory, signal)),
    ]);
    return { dataset, tags };
  }

  async #datasetIn(directory: string, signal?: AbortSignal): Promise<DatasetPlace | undefined> {
    const [freeze, selector] = await Promise.all([
      this.#head(inside(directory, FREEZE_MANIFEST), signal),
      this.#head(inside(directory, CANONICAL_SELECTOR), signal),
    ]);
    if (freeze === undefined && selector === undefined) return undefined;
    const data = await this.#dataFiles(directory, selector, freeze, signal);
    return { directory, freeze, selector, data };
  }

  /** The files that the selector lists, or the freeze manifest where there is no selector. */
  async #dataFiles(
    directory: string,
    selector: ObjectInfo | undefined,
    freeze: ObjectInfo | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, ObjectInfo> | undefined> {
    const listed =
      selector === undefined
        ? (await readProjectDocument(this.#tree, freeze, freezeManifestSchema, signal)).value?.canonical_files
        : (await readProjectDocument(this.#tree, selector, selectorSchema, signal)).value?.files;
    if (listed === undefined || listed.length > MAX_DATASET_FILES) return undefined;
    const paths = listed.map((file) => (typeof file === 'string' ? file : file.path));
    const data = new Map<string, ObjectInfo>();
    for (const path of paths) {
      // A path that leads out of the project is not followed.
      if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) return undefined;
      const object = await this.#head(inside(directory, path), signal);
      if (object === undefined) return undefined;
      data.set(path, object);
    }
    return data;
  }

  async #tagsIn(directory: string, signal?: AbortSignal): Promise<TagsPlace | undefined> {
    const file = await this.#head(inside(directory, TAGGED_COMMITS_FILE), signal);
    if (file !== undefined) return { kind: 'file', directory, files: [file] };
    if (this.#tree.store.localPath(inside(directory, '.git')) === undefined) return undefined;
    const [head, link] = await Promise.all([
      this.#head(inside(directory, '.git/HEAD'), signal),
      this.#head(inside(directory, '.git'), signal),
    ]);
    if (head === undefined && link === undefined) return undefined;
    const files = head === undefined ? [] : await this.#tagFiles(directory, signal);
    return { kind: 'repository', directory, files };
  }

  async #tagFiles(directory: string, signal?: AbortSignal): Promise<ObjectInfo[]> {
    const packed = await this.#head(inside(directory, '.git/packed-refs'), signal);
    const files = packed === undefined ? [] : [packed];
    const prefix = inside(directory, '.git/refs/tags/');
    for await (const object of this.#tree.store.list({ prefix, ...(signal ? { signal } : {}) })) {
      if (files.length >= MAX_LOOSE_TAGS) break;
      files.push(object);
    }
    return files;
  }

  /** Whoever may read the runs need not be allowed to read what lies above them. */
  async #head(key: string, signal: AbortSignal | undefined): Promise<ObjectInfo | undefined> {
    return this.#tree.store.head(key, signal ? { signal } : {}).catch((error: unknown) => {
      if (error instanceof StoreError) return undefined;
      throw error;
    });
  }
}

/** Key of a path within a directory. */
function inside(directory: string, path: string): string {
  return directory === '' ? path : `${directory}/${path}`;
}

/** The directory from which a project is looked for: that of `runs`, else the one above the run. */
function aboveRuns(root: string): string {
  const parts = root.split('/');
  const runs = parts.lastIndexOf('runs');
  return parts.slice(0, runs === -1 ? -1 : runs).join('/');
}

/** What is in a directory, else in the nearest one above it. */
function nearest<T>(
  known: Map<string, Promise<T | undefined>>,
  directory: string,
  look: (directory: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  let found = known.get(directory);
  if (found === undefined) {
    found = look(directory).then((here) => {
      if (here !== undefined || directory === '') return here;
      return nearest(known, directory.slice(0, Math.max(0, directory.lastIndexOf('/'))), look);
    });
    known.set(directory, found);
  }
  return found;
}
