import type { ObjectInfo } from '../../../../lake/store/object-store.ts';

/** Artifacts that tell what a directory is; only these are remembered by name. */
export const KNOWN_FILES: ReadonlySet<string> = new Set([
  'config.json',
  'run_manifest.json',
  'generations.jsonl',
  'predictions.csv',
  'eval_metrics.json',
  'eval_metrics_extended.json',
  'train_metrics.jsonl',
  'run_error.json',
  'generation.jsonl',
  'eval_results.json',
  'eval_results_llm.json',
  'eval_results_for_training.json',
  'raw_eval_res.jsonl',
  'abstain_eval_raw.jsonl',
  'halu_eval_raw.jsonl',
  'llm_halu_eval_raw.jsonl',
  'meta.jsonl',
  'metadata.jsonl',
  'metadata.json',
  'data.mdb',
  'predictions.jsonl',
  'metrics.json',
  'results_table.csv',
  'summary.csv',
  'paper.csv',
]);

const MAX_OTHERS = 1000;

/** What was seen of one directory while the listing passed through it. */
export interface Directory {
  readonly key: string;
  readonly known: Map<string, ObjectInfo>;
  /** Other files of the directory and of its `artifacts`, at most `MAX_OTHERS`. */
  readonly others: ObjectInfo[];
  /**
   * Files of an `activations` directory right below (`.npy` and sidecars), or of the `arrays` of a Zarr group, counted
   * and forgotten.
   */
  activationFiles: number;
  /** A file that marks a Zarr group. */
  zarrGroup: boolean;
  readonly parent: Directory | undefined;
}

function newDirectory(key: string, parent: Directory | undefined): Directory {
  return { key, known: new Map(), others: [], activationFiles: 0, zarrGroup: false, parent };
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function parentKey(key: string): string {
  const slash = key.lastIndexOf('/');
  return slash === -1 ? '' : key.slice(0, slash);
}

function isInside(key: string, directory: string): boolean {
  return directory === '' || key === directory || key.startsWith(`${directory}/`);
}

const ZARR_MARKERS: ReadonlySet<string> = new Set(['.zgroup', 'zarr.json']);

/** Whether a directory below the root is hidden (`.git`, `.runlake`, …): nobody's runs are there. */
function isHidden(directory: string, root: string): boolean {
  return directory.slice(root.length).includes('/.') || (root === '' && directory.startsWith('.'));
}

/**
 * Turns a listing in key order into directories, each handed out when the listing has left it. Memory is the
 * open directories' known files: the inner files of Zarr and JSON+NPY stores are passed over.
 */
export async function* eachDirectory(
  root: string,
  objects: AsyncIterable<ObjectInfo>,
): AsyncGenerator<Directory> {
  let current = newDirectory(root, undefined);
  for await (const object of objects) {
    const directory = parentKey(object.key);
    if (isHidden(directory, root)) continue;
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
    note(current, object);
  }
  for (let open: Directory | undefined = current; open !== undefined; open = open.parent) yield open;
}

function note(directory: Directory, object: ObjectInfo): void {
  const name = nameOf(object.key);
  if (ZARR_MARKERS.has(name)) directory.zarrGroup = true;
  else if (KNOWN_FILES.has(name)) directory.known.set(name, object);
  else if (isActivationFile(directory, name)) directory.parent!.activationFiles++;
  else {
    const owner = artifactsOwner(directory) ?? directory;
    if (owner.others.length < MAX_OTHERS) owner.others.push(object);
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
