import type { Issue, RunCandidate } from '../family.ts';
import { type Directory, isInside, parentKey } from './directory.ts';

/** What experiments write. Whatever else lies around (texts, code, pictures, logs) is nobody's run and not worth a word. */
const DATA =
  /\.(jsonl?|csv|tsv|parquet|arrow|feather|npy|npz|pt|pth|pkl|pickle|mdb|h5|hdf5)(\.(gz|zst|xz))?$/i;

/** Names shown of the files of one place. */
const EXAMPLES = 3;

/** A directory without any run, whole, or the loose files of one that has runs elsewhere. */
interface Place {
  readonly key: string;
  readonly files: number;
  readonly directories: number;
  readonly examples: readonly string[];
}

/**
 * Keeps account of the data files that belong to no run while directories pass by, children before their parents.
 * A tree without any run in it is one place, however many directories it has.
 */
export class UnrecognisedFiles {
  /** In the order of the listing; those inside a directory are the last ones when it passes by. */
  #places: Place[] = [];
  /** Open directories that have a run somewhere inside. */
  readonly #withRuns = new Set<string>();
  /** Keys of files, and of directories with everything in them. */
  readonly #explained = new Set<string>();
  /** Directories whose own files are explained: the roots of runs. */
  readonly #roots = new Set<string>();

  /** Takes what lies at and below a key out of the account. */
  explain(key: string): void {
    this.#explained.add(key);
  }

  /** A directory has passed by, and gave these runs. */
  add(directory: Directory, runs: readonly RunCandidate[]): void {
    for (const run of runs) this.#explainFilesOf(run);
    const { key } = directory;
    let first = this.#places.length;
    while (first > 0 && isInside(this.#places[first - 1]!.key, key)) first--;
    const inside = this.#places.splice(first).filter((place) => !this.#isExplained(place.key));
    const loose = this.#looseFiles(directory);
    if (loose !== undefined) inside.push(loose);
    const hasRuns = this.#withRuns.delete(key) || runs.length > 0;
    if (hasRuns) this.#withRuns.add(parentKey(key));
    if (hasRuns || inside.length === 0) this.#places.push(...inside);
    else this.#places.push(merged(key, inside));
  }

  /** Runs that only the whole tree told. */
  addLate(runs: readonly RunCandidate[]): void {
    for (const run of runs) this.#explainFilesOf(run);
    this.#places = this.#places.filter(
      ({ key }) => !this.#isExplained(key) && !runs.some((run) => isInside(run.root, key)),
    );
  }

  /** One issue a place. */
  *issues(): Iterable<Issue> {
    for (const { key, files, directories, examples } of this.#places) {
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

  /** The files of a run explain the directories they lie in, up to its root. */
  #explainFilesOf(run: RunCandidate): void {
    this.#roots.add(run.root);
    for (const { key } of [...run.files, ...(run.attachments ?? [])]) {
      const directory = parentKey(key);
      if (directory === run.root) continue;
      this.#explained.add(isInside(directory, run.root) ? topmost(directory, run.root) : key);
    }
  }

  #isExplained(key: string): boolean {
    for (let at = key; at !== ''; at = parentKey(at)) if (this.#explained.has(at)) return true;
    return false;
  }

  #looseFiles({ key, files, unlisted, activationFiles }: Directory): Place | undefined {
    if (this.#roots.has(key) || this.#isExplained(key)) return undefined;
    const names = [...files.keys()].filter(
      (name) => DATA.test(name) && !this.#explained.has(key === '' ? name : `${key}/${name}`),
    );
    if (activationFiles > 0) names.push('activations/…');
    if (names.length === 0) return undefined;
    const count = names.length + unlisted + Math.max(0, activationFiles - 1);
    return { key, files: count, directories: 1, examples: names.slice(0, EXAMPLES) };
  }
}

/** The directory right below `root` on the way to a directory inside it. */
function topmost(directory: string, root: string): string {
  const from = root === '' ? 0 : root.length + 1;
  const slash = directory.indexOf('/', from);
  return slash === -1 ? directory : directory.slice(0, slash);
}

function merged(key: string, places: readonly Place[]): Place {
  if (places.length === 1 && places[0]!.key === key) return places[0]!;
  let [files, directories] = [0, 0];
  const examples: string[] = [];
  for (const place of places) {
    files += place.files;
    directories += place.directories;
    for (const name of place.examples) {
      const below = place.key === key ? '' : place.key.slice(key === '' ? 0 : key.length + 1);
      if (examples.length < EXAMPLES) examples.push(below === '' ? name : `${below}/${name}`);
    }
  }
  return { key, files, directories, examples };
}
