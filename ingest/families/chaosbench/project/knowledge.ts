import { dirname } from 'node:path';
import { freezeManifestSchema } from '../../../contracts/chaosbench/dataset.ts';
import { commitsOf, taggedCommitsSchema } from '../../../contracts/chaosbench/tagged-commits.ts';
import type { Issue, SourceTree } from '../../../family.ts';
import {
  datasetFingerprint,
  type FingerprintFile,
  fingerprintFile,
  legacyFingerprint,
  type PolicyKnowledge,
} from '../policy/index.ts';
import { readProjectDocument } from './document.ts';
import { type DatasetPlace, type Project, ProjectLocator, type TagsPlace } from './locate.ts';
import { TaggedCommits, taggedCommitsOfRepository } from './tagged-commits.ts';

/** What is known of a project's dataset. */
interface DatasetKnowledge extends Omit<PolicyKnowledge, 'commitTagged'> {
  /** What is wrong with the files that describe it; `file` is a key. */
  readonly issues: readonly Issue[];
}

interface TagsKnowledge {
  readonly commits: TaggedCommits | undefined;
  readonly issues: readonly Issue[];
}

/** What the policy can be judged by, and what was found wrong on the way. */
export interface ProjectKnowledge extends PolicyKnowledge {
  readonly issues: readonly Issue[];
}

const NO_DATASET: DatasetKnowledge = Object.freeze({
  fingerprint: undefined,
  legacyFingerprint: undefined,
  totalItems: undefined,
  issues: [],
});

/** What is known of the projects in a tree; each is read once, however many runs it has. */
export class Projects {
  readonly #tree: SourceTree;
  readonly #locator: ProjectLocator;
  readonly #datasets = new Map<string, Promise<DatasetKnowledge>>();
  readonly #tags = new Map<string, Promise<TagsKnowledge>>();

  private constructor(tree: SourceTree) {
    this.#tree = tree;
    this.#locator = new ProjectLocator(tree);
  }

  static readonly #known = new WeakMap<SourceTree, Projects>();

  /** The projects of a tree, shared by those who look for runs and those who read them. */
  static of(tree: SourceTree): Projects {
    let projects = Projects.#known.get(tree);
    if (projects === undefined) {
      projects = new Projects(tree);
      Projects.#known.set(tree, projects);
    }
    return projects;
  }

  /** The project around a run. @param root key of the run's directory */
  around(root: string, signal?: AbortSignal): Promise<Project> {
    return this.#locator.project(root, signal);
  }

  /** What the verdict of a run with this commit can be judged by. */
  async knowledge(root: string, commit: string | null, signal?: AbortSignal): Promise<ProjectKnowledge> {
    const { dataset, tags } = await this.around(root, signal);
    const [known, tagged] = await Promise.all([
      dataset === undefined
        ? NO_DATASET
        : once(this.#datasets, dataset.directory, () => readDataset(this.#tree, dataset, signal)),
      tags === undefined
        ? undefined
        : once(this.#tags, tags.directory, () => readTags(this.#tree, tags, signal)),
    ]);
    return {
      ...known,
      commitTagged: commit === null ? undefined : tagged?.commits?.has(commit),
      issues: [...known.issues, ...(tagged?.issues ?? [])],
    };
  }
}

function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let made = known.get(key);
  if (made === undefined) {
    made = make();
    known.set(key, made);
  }
  return made;
}

/**
 * The policy asks for the fingerprint in the freeze manifest. It is recomputed from the dataset's files where they are
 * there, which shows a dataset that changed after it was frozen, and stands in where nothing was frozen.
 */
async function readDataset(
  tree: SourceTree,
  { freeze, data }: DatasetPlace,
  signal: AbortSignal | undefined,
): Promise<DatasetKnowledge> {
  const { value: frozen, issues } = await readProjectDocument(tree, freeze, freezeManifestSchema, signal);
  const found = data === undefined ? undefined : await fingerprintFiles(tree, data, signal);
  const recomputed = found === undefined ? undefined : datasetFingerprint(found);
  const warnings: Issue[] = issues.map((issue) => ({ ...issue, severity: 'warning' }));
  if (frozen !== undefined && recomputed !== undefined && frozen.global_sha256 !== recomputed) {
    warnings.push({
      severity: 'warning',
      code: 'DATASET_NOT_AS_FROZEN',
      ...(freeze === undefined ? {} : { file: freeze.key }),
      pointer: '/global_sha256',
      message: `${frozen.global_sha256} was frozen, the dataset's files give ${recomputed}`,
    });
  }
  const files = frozen?.canonical_files ?? found;
  if (files === undefined) return { ...NO_DATASET, issues: warnings };
  return {
    fingerprint: frozen?.global_sha256 ?? recomputed,
    legacyFingerprint: legacyFingerprint(files),
    totalItems:
      frozen === undefined
        ? files.reduce((sum, { count }) => sum + Number(count), 0)
        : Number(frozen.canonical_total_questions),
    issues: warnings,
  };
}

async function fingerprintFiles(
  tree: SourceTree,
  data: NonNullable<DatasetPlace['data']>,
  signal: AbortSignal | undefined,
): Promise<FingerprintFile[]> {
  const files: FingerprintFile[] = [];
  for (const [path, { key }] of data) {
    files.push(await fingerprintFile(path, tree.store.stream(key, signal ? { signal } : {})));
  }
  return files;
}

async function readTags(
  tree: SourceTree,
  { kind, directory, files }: TagsPlace,
  signal: AbortSignal | undefined,
): Promise<TagsKnowledge> {
  if (kind === 'repository') {
    const metadata = tree.store.localPath(directory === '' ? '.git' : `${directory}/.git`);
    const commits = metadata === undefined ? undefined : await taggedCommitsOfRepository(dirname(metadata));
    return { commits, issues: [] };
  }
  const { value, issues } = await readProjectDocument(tree, files[0], taggedCommitsSchema, signal);
  return {
    commits: value === undefined ? undefined : new TaggedCommits(commitsOf(value)),
    issues: issues.map((issue) => ({ ...issue, severity: 'warning' })),
  };
}
