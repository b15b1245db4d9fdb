import { compareKeys } from '../../../../lake/store/keys.ts';
import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import { CANONICAL_SELECTOR, FREEZE_MANIFEST } from '../../../contracts/chaosbench/dataset.ts';
import { TAGGED_COMMITS_FILE } from '../../../contracts/chaosbench/tagged-commits.ts';
import type { Directory } from '../../../discovery/directory.ts';
import { relativeKey } from '../../../discovery/path.ts';
import type { DiscoverContext, RunCandidate, RunFinder, SourceTree } from '../../../family.ts';
import { RUN_FILES } from '../files.ts';
import { Projects } from '../project/knowledge.ts';
import { projectFiles } from '../project/locate.ts';
import { classify } from './classify.ts';
import { type FoundDirectory, foundDirectory } from './found.ts';
import { indexOrphans } from './published-index.ts';
import { groupByRun } from './same-run.ts';

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const INDEX_FILE = 'README.md';
const SELECTOR_NAME = nameOf(CANONICAL_SELECTOR);
const FREEZE_NAME = nameOf(FREEZE_MANIFEST);
/** What the audit of the original project writes. */
const DERIVED = ['RUNS_AUDIT.md', 'baselines_table.csv', 'baselines_by_family.csv'];
/** What a run of the first version of the benchmark left. */
const V1_FILES = ['run_meta.json', 'summary.json'];

/** Artifacts that tell what a directory is. */
export const MARKS: ReadonlySet<string> = new Set([
  ...RUN_FILES,
  ...DERIVED,
  ...V1_FILES,
  INDEX_FILE,
  SELECTOR_NAME,
  FREEZE_NAME,
  TAGGED_COMMITS_FILE,
]);

/** An index of published runs, with the names of the runs right below it. */
interface PublishedIndex {
  readonly readme: ObjectInfo;
  readonly present: ReadonlySet<string>;
}

/**
 * Finds CHAOSBENCH runs. A run may lie under `runs` and, published, somewhere else; which directory is read is decided
 * when all are known: one with predictions rather than one without, the live one rather than its copy.
 */
export function finder(tree: SourceTree, context: DiscoverContext): RunFinder {
  const { signal } = context;
  const found: FoundDirectory[] = [];
  const indexes: PublishedIndex[] = [];
  /** Names of published runs by the directory they lie in, until it has passed. */
  const published = new Map<string, Set<string>>();
  const noteIndex = ({ key, files }: Directory): void => {
    const present = published.get(key) ?? new Set();
    published.delete(key);
    const readme = files.get(INDEX_FILE);
    if (readme !== undefined && (present.size > 0 || key.endsWith('published_results/runs')))
      indexes.push({ readme, present });
  };
  return {
    async visit(directory) {
      explain(directory, context);
      noteIndex(directory);
      const kind = classify(directory);
      if (kind === undefined) return [];
      const run = await foundDirectory(tree, directory, kind, signal);
      found.push(run);
      if (kind === 'published') {
        const parent = directory.parent?.key ?? '';
        const names = published.get(parent) ?? new Set();
        published.set(parent, names.add(nameOf(directory.key)).add(run.name));
      }
      return [];
    },
    async finish() {
      for (const { readme, present } of indexes) {
        const orphans = await indexOrphans(tree, readme, (runId) => present.has(runId), signal);
        for (const issue of orphans) context.issue?.(issue);
      }
      const candidates: RunCandidate[] = [];
      for (const [best, ...others] of await groupByRun(tree, found, signal)) {
        candidates.push(await toCandidate(tree, best!, context));
        for (const other of others) candidates.push(...(await leaveOut(tree, best!, other, context)));
      }
      return candidates;
    },
  };
}

/** A copy is left out with a word; a directory that claims to be the same run is for the caller to refuse. */
async function leaveOut(
  tree: SourceTree,
  best: FoundDirectory,
  other: FoundDirectory,
  context: DiscoverContext,
): Promise<RunCandidate[]> {
  if (best.kind !== 'published' && other.kind !== 'published')
    return [await toCandidate(tree, other, context)];
  const copy = other.kind === 'published' ? 'published copy' : 'source';
  context.issue?.({
    severity: 'info',
    code: 'PUBLISHED_COPY',
    file: other.directory.key,
    message: `the ${copy} of ${best.identity}, which is read from ${relativeKey(other.directory.key, best.directory.key)}`,
  });
  return [];
}

async function toCandidate(
  tree: SourceTree,
  { directory, kind, identity }: FoundDirectory,
  context: DiscoverContext,
): Promise<RunCandidate> {
  const objects = [...directory.files];
  const own = objects.filter(([name]) => RUN_FILES.has(name)).map(([, object]) => object);
  const attachments = objects.filter(([name]) => !RUN_FILES.has(name)).map(([, object]) => object);
  // What the verdict depends on is part of the run's content, though it lies elsewhere.
  const project =
    kind === 'interrupted' ? [] : projectFiles(await Projects.of(tree).around(directory.key, context.signal));
  return {
    family: 'CHAOSBENCH',
    kind,
    root: directory.key,
    runId: `${context.namespace}/chaosbench/${identity}`,
    files: [...own, ...project].sort((a, b) => compareKeys(a.key, b.key)),
    ...(kind === 'published' ? { copy: true } : {}),
    ...(attachments.length === 0 ? {} : { attachments }),
  };
}

/** Says what is known and no run. */
function explain({ key, files }: Directory, { issue, recognised }: DiscoverContext): void {
  if (files.has(SELECTOR_NAME) || files.has(FREEZE_NAME)) recognised?.(key);
  const tags = files.get(TAGGED_COMMITS_FILE);
  if (tags !== undefined) recognised?.(tags.key);
  if (V1_FILES.every((name) => files.has(name))) {
    issue?.({
      severity: 'info',
      code: 'V1_ARCHIVE_IGNORED',
      file: key,
      message:
        'a run of the first version of the benchmark, whose numbers do not compare with those of this one',
    });
  } else if (DERIVED.some((name) => files.has(name))) {
    issue?.({
      severity: 'info',
      code: 'RESULT_TABLES_IGNORED',
      file: key,
      message: 'an audit and its tables are derived data; the runs themselves are read',
    });
  }
}
