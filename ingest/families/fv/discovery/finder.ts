import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { Directory } from '../../../discovery/directory.ts';
import { parentKey } from '../../../discovery/directory.ts';
import type { DiscoverContext, RunCandidate, RunFinder, SourceTree } from '../../../family.ts';
import { readJsonDocument } from '../../../run-files/documents.ts';
import { homeOf, looseScores, roleOf, WEAK } from '../layout.ts';
import { type Evidence, evidenceSchema, runIdentity, scoreFileIdentity } from './identity.ts';

/** What was found of one run while the listing has not left its directory. */
interface Gathered {
  readonly files: ObjectInfo[];
  readonly logs: ObjectInfo[];
  /** Whether a file is there that only this family writes. */
  certain: boolean;
}

/** Tables that the authors' analysis scripts make out of the artifacts of runs. */
const DERIVED = /^(qwise_.*|topk_Q\w+)\.csv$/;
const ORCHESTRATOR = ['run_meta.json', 'run_summary.json'];
const EVIDENCE = ['qid_status.json', 'run_meta.json', 'top_heads.json'];

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function byKey(a: ObjectInfo, b: ObjectInfo): number {
  return a.key < b.key ? -1 : 1;
}

/**
 * Finds directories that hold artifacts of a function-vector run, whatever its state and however much of it is there.
 * A file tells by its name to which run it belongs (`homeOf`), so that a run is complete when the listing leaves
 * that directory.
 */
export function finder(tree: SourceTree, context: DiscoverContext): RunFinder {
  const open = new Map<string, Gathered>();

  function gather(home: string): Gathered {
    const known = open.get(home) ?? { files: [], logs: [], certain: false };
    open.set(home, known);
    return known;
  }

  function note(directory: Directory): void {
    const name = nameOf(directory.key);
    const home = homeOf(directory.key);
    if (name === 'logs' && home !== directory.key) {
      if (directory.files.size > 0) gather(home).logs.push(...directory.files.values());
      return;
    }
    let ours = false;
    for (const [file, object] of directory.files) {
      const role = roleOf(name, file);
      if (role === undefined) continue;
      const gathered = gather(home);
      gathered.files.push(object);
      gathered.certain ||= !WEAK.has(role);
      ours ||= !WEAK.has(role);
    }
    if (ours && directory.unlisted > 0) {
      context.issue?.({
        severity: 'warning',
        code: 'TOO_MANY_FILES',
        file: directory.key,
        message: `${directory.unlisted} of the files are not looked at; expected a directory of artifacts only`,
      });
    }
    if (name === '_status' && ORCHESTRATOR.some((file) => directory.files.has(file)))
      context.recognised?.(directory.key);
  }

  async function candidateOf(home: string, found: Gathered, directory?: Directory): Promise<RunCandidate> {
    const files = found.files.sort(byKey);
    const read = new Set(files.map(({ key }) => key));
    const beside = [...(directory?.artifacts ?? []), ...(directory?.files.values() ?? []), ...found.logs];
    // A score file with a name of its own is a run beside this one, unless it lies among the artifacts.
    const isRun = (key: string) => parentKey(key) === home && isLoose(key);
    const attachments = beside.filter(({ key }) => !read.has(key) && !isRun(key)).sort(byKey);
    if (directory !== undefined && directory.unlistedArtifacts > 0) {
      context.issue?.({
        severity: 'info',
        code: 'ATTACHMENTS_CUT',
        file: home,
        message: `${directory.unlistedArtifacts} files below artifacts are not listed with the run; all of its own are read`,
      });
    }
    const results = files.find(({ key }) => nameOf(key) === 'step6_all_layers_summary.json');
    return {
      family: 'FV',
      kind: files.some(({ key }) => nameOf(key) === 'qid_status.json') ? 'q-wise' : 'artifacts',
      root: home,
      runId: `${context.namespace}/fv/${runIdentity(tree.store.uri, home, await evidenceOf(files))}`,
      files,
      // It names absolute paths and its time, so that equal bytes are a copy and never a repetition.
      ...(results === undefined ? {} : { results }),
      ...(attachments.length === 0 ? {} : { attachments }),
    };
  }

  /** The first file that tells which model and relation it was; what is wrong with it is said when the run is read. */
  async function evidenceOf(files: readonly ObjectInfo[]): Promise<Evidence> {
    const readContext = { tree, lenient: true, ...(context.signal ? { signal: context.signal } : {}) };
    for (const name of EVIDENCE) {
      const object = files.find(({ key }) => nameOf(key) === name);
      if (object === undefined) continue;
      const { value } = await readJsonDocument(readContext, object, name);
      const parsed = evidenceSchema.safeParse(value);
      if (parsed.success) return parsed.data;
    }
    return {};
  }

  function scoreFiles(directory: Directory): RunCandidate[] {
    if (homeOf(directory.key) !== directory.key) return [];
    return [...directory.files.values()]
      .filter(({ key }) => isLoose(key))
      .map((object) => ({
        family: 'FV',
        kind: 'score-file',
        root: directory.key,
        part: nameOf(object.key),
        runId: `${context.namespace}/fv/${scoreFileIdentity(tree.store.uri, object.key)}`,
        files: [object],
      }));
  }

  return {
    async visit(directory) {
      note(directory);
      for (const [name, { key }] of directory.files) {
        if (DERIVED.test(name)) {
          const message = 'derived from the artifacts of runs, which are read themselves';
          context.issue?.({ severity: 'info', code: 'RESULT_TABLES_IGNORED', file: key, message });
        }
      }
      const runs = scoreFiles(directory);
      const found = open.get(directory.key);
      open.delete(directory.key);
      if (found?.certain === true) runs.push(await candidateOf(directory.key, found, directory));
      return runs;
    },
    /** Runs of which the user named only an inner directory. */
    async finish() {
      const runs: RunCandidate[] = [];
      for (const [home, found] of open) if (found.certain) runs.push(await candidateOf(home, found));
      open.clear();
      return runs;
    },
  };
}

/** Whether a score file bears a name of its own, so that it is a run by itself. */
function isLoose(key: string): boolean {
  const directory = nameOf(parentKey(key));
  return roleOf(directory, nameOf(key)) === undefined && looseScores(nameOf(key)) !== undefined;
}
