import type { Issue, RunCandidate } from '../family.ts';
import { type Directory, isInside, parentKey } from './directory.ts';

/** What experiments write. Whatever else lies around (texts, code, pictures, logs) is nobody's run and not worth a word. */
const DATA =
  /\.(jsonl?|csv|tsv|parquet|arrow|feather|npy|npz|pt|pth|pkl|pickle|mdb|h5|hdf5)(\.(gz|zst|xz))?$/i;

/** Names shown of the files of one place. */
const EXAMPLES = 3;

/** Directories remembered; of a tree with more, the others go unmentioned. */
const MAX_DIRECTORIES = 200_000;

/** Data files of a directory, or of a tree of directories. */
interface Place {
  readonly key: string;
  readonly files: number;
  readonly directories: number;
  readonly examples: readonly string[];
}

/** Keeps account of the data files that belong to no run. */
export class UnrecognisedFiles {
  /** Directories with data files, in the order of the listing. */
  readonly #places: Place[] = [];
  /** Keys of files, and of directories with everything in them. */
  readonly #explained = new Set<string>();
  /** Directories whose own files are explained. */
  readonly #roots = new Set<string>();
  /** Directories with a run somewhere inside. */
  readonly #withRuns = new Set<string>();

  add({ key, files, unlisted, activationFiles }: Directory): void {
    if (this.#places.length === MAX_DIRECTORIES) return;
    const names = [...files.keys()].filter(
      (name) => DATA.test(name) && !this.#explained.has(key === '' ? name : `${key}/${name}`),
    );
    if (activationFiles > 0) names.push('activations/…');
    if (names.length === 0) return;
    const count = names.length + unlisted + Math.max(0, activationFiles - 1);
    this.#places.push({ key, files: count, directories: 1, examples: names.slice(0, EXAMPLES) });
  }

  /** Takes what lies at and below a key out of the account; a file before its directory is added. */
  explain(key: string): void {
    this.#explained.add(key);
  }

  /** Takes the directory of a run out of the account, and of those below the ones that its files lie in. */
  claim(run: RunCandidate): void {
    this.#roots.add(run.root);
    for (let at = run.root; !this.#withRuns.has(at); at = parentKey(at)) this.#withRuns.add(at);
    for (const { key } of [...run.files, ...(run.attachments ?? [])]) {
      const directory = parentKey(key);
      if (directory === run.root) continue;
      this.#explained.add(isInside(directory, run.root) ? childTowards(directory, run.root) : key);
    }
  }

  /**
   * One issue a place: a directory that has no run inside with everything in it, and the loose files of one that has.
   * @param root the directory that was looked through
   */
  *issues(root: string): Iterable<Issue> {
    const merged = new Map<string, Place>();
    for (const place of this.#places) {
      if (this.#roots.has(place.key) || this.#isExplained(place.key)) continue;
      const key = this.#topWithoutRuns(place.key, root);
      merged.set(key, merge(key, merged.get(key), place));
    }
    for (const { key, files, directories, examples } of merged.values()) {
      const where = directories === 1 ? '' : ` in ${directories} directories`;
      const names = files > examples.length ? [...examples, '…'] : examples;
      yield {
        severity: 'info',
        code: 'UNRECOGNISED_FILES',
        file: key,
        message: `${files} data ${files === 1 ? 'file' : 'files'}${where} (${names.join(', ')}) of no known kind of run; skipped`,
      };
    }
  }

  #isExplained(key: string): boolean {
    for (let at = key; at !== ''; at = parentKey(at)) if (this.#explained.has(at)) return true;
    return false;
  }

  #topWithoutRuns(key: string, root: string): string {
    let top = key;
    while (top !== root && !this.#withRuns.has(top) && !this.#withRuns.has(parentKey(top)))
      top = parentKey(top);
    return top;
  }
}

/** The directory right below `root` on the way to one inside it. */
function childTowards(directory: string, root: string): string {
  const slash = directory.indexOf('/', root === '' ? 0 : root.length + 1);
  return slash === -1 ? directory : directory.slice(0, slash);
}

function merge(key: string, known: Place | undefined, place: Place): Place {
  const below = place.key.slice(key === '' ? 0 : key.length + 1);
  const names = place.examples.map((name) => (below === '' ? name : `${below}/${name}`));
  return {
    key,
    files: place.files + (known?.files ?? 0),
    directories: place.directories + (known?.directories ?? 0),
    examples: [...(known?.examples ?? []), ...names].slice(0, EXAMPLES),
  };
}
