import type { ObjectInfo } from '../../lake/store/object-store.ts';
import type { Marks } from '../family.ts';

/** Files remembered of one directory, and of its `artifacts`, beside those that bear a mark. */
const MAX_FILES = 10_000;

/** What was seen of one directory while the listing passed through it. */
export interface Directory {
  /** Key in the tree's store, without a trailing slash. */
  readonly key: string;
  readonly parent: Directory | undefined;
  /** Its own files by name: every one that bears a family's mark, and at most `MAX_FILES` others. */
  readonly files: Map<string, ObjectInfo>;
  /** Files beyond these, counted and forgotten. */
  unlisted: number;
  /** Files below its `artifacts` directory, at any depth; at most `MAX_FILES`. */
  readonly artifacts: ObjectInfo[];
  /** Files there beyond these, counted and forgotten. */
  unlistedArtifacts: number;
  /**
   * Files of an `activations` directory right below (`.npy` and sidecars), or of the `arrays` of a Zarr group, counted
   * and forgotten.
   */
  activationFiles: number;
  /** A file that marks a Zarr group. */
  zarrGroup: boolean;
}

function newDirectory(key: string, parent: Directory | undefined): Directory {
  return {
    key,
    parent,
    files: new Map(),
    unlisted: 0,
    artifacts: [],
    unlistedArtifacts: 0,
    activationFiles: 0,
    zarrGroup: false,
  };
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** The directory that a key lies in; '' at the top. */
export function parentKey(key: string): string {
  const slash = key.lastIndexOf('/');
  return slash === -1 ? '' : key.slice(0, slash);
}

/** Whether a key is a directory or lies in it. */
export function isInside(key: string, directory: string): boolean {
  return directory === '' || key === directory || key.startsWith(`${directory}/`);
}

const ZARR_MARKERS: ReadonlySet<string> = new Set(['.zgroup', 'zarr.json']);

const INSTALLED = /(^|\/)(node_modules|site-packages|__pycache__)(\/|$)/;

/** Whether nobody's runs are in a directory below the root: hidden (`.git`, `.runlake`, …) or installed software. */
function isNobodys(directory: string, root: string): boolean {
  const below = directory.slice(root.length);
  return below.includes('/.') || (root === '' && directory.startsWith('.')) || INSTALLED.test(below);
}

/**
 * Turns a listing in key order into directories, each handed out when the listing has left it. Memory is the
 * open directories' files: the inner files of Zarr and JSON+NPY stores are passed over.
 */
export async function* eachDirectory(
  root: string,
  objects: AsyncIterable<ObjectInfo>,
  marks: Marks,
): AsyncGenerator<Directory> {
  let current = newDirectory(root, undefined);
  for await (const object of objects) {
    const directory = parentKey(object.key);
    if (isNobodys(directory, root)) continue;
    while (!isInside(directory, current.key)) {
      yield current;
      current = current.parent ?? newDirectory('', undefined);
    }
    if (current.zarrGroup && directory !== current.key) {
      if (directory.startsWith(`${current.key}/arrays/`)) current.activationFiles++;
      continue;
    }
    while (current.key !== directory) {
      const rest = directory.slice(current.key === '' ? 0 : current.key.length + 1);
      const next = rest.split('/', 1)[0]!;
      current = newDirectory(current.key === '' ? next : `${current.key}/${next}`, current);
    }
    note(current, object, marks);
  }
  for (let open: Directory | undefined = current; open !== undefined; open = open.parent) yield open;
}

function note(directory: Directory, object: ObjectInfo, marks: Marks): void {
  const name = nameOf(object.key);
  if (ZARR_MARKERS.has(name)) directory.zarrGroup = true;
  else if (isActivationFile(directory, name)) directory.parent!.activationFiles++;
  else {
    if (directory.files.size < MAX_FILES || marks.has(name)) directory.files.set(name, object);
    else directory.unlisted++;
    const owner = artifactsOwner(directory);
    if (owner === undefined) return;
    if (owner.artifacts.length < MAX_FILES) owner.artifacts.push(object);
    else owner.unlistedArtifacts++;
  }
}

function isActivationFile(directory: Directory, name: string): boolean {
  return (
    directory.parent !== undefined &&
    nameOf(directory.key) === 'activations' &&
    (name.endsWith('.npy') || name.endsWith('.json'))
  );
}

/** The directory whose `artifacts` this one is or lies in. */
function artifactsOwner(directory: Directory): Directory | undefined {
  for (let at: Directory | undefined = directory; at?.parent !== undefined; at = at.parent) {
    if (nameOf(at.key) === 'artifacts') return at.parent;
  }
  return undefined;
}
