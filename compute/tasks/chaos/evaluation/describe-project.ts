import { CANONICAL_SELECTOR, FREEZE_MANIFEST } from '../../../../ingest/contracts/chaosbench/dataset.ts';
import { TAGGED_COMMITS_FILE } from '../../../../ingest/contracts/chaosbench/tagged-commits.ts';
import { Projects } from '../../../../ingest/families/chaosbench/project/knowledge.ts';
import { commitOfRepository } from '../../../../ingest/families/chaosbench/project/tagged-commits.ts';
import type { ObjectStore } from '../../../../lake/store/object-store.ts';
import type { Beginning } from './beginning.ts';
import type { Dataset } from './dataset.ts';

/** The commit of the project that dataset and prompts come from; null where it is no checkout on this machine. */
export async function commitOf({ project }: Dataset): Promise<string | null> {
  if (project === undefined) return null;
  const { store, prefix } = project.tree;
  const isCheckout = (await store.head(`${prefix}/.git`)) ?? (await store.head(`${prefix}/.git/HEAD`));
  const directory = store.localPath(prefix);
  if (isCheckout === undefined || directory === undefined) return null;
  return (await commitOfRepository(directory)) ?? null;
}

/**
 * Puts beside the run what its verdict is judged by: the selector, the frozen dataset (or what the files give, where nothing
 * was frozen), and whether the commit is tagged.
 */
export async function describeProject(
  { project, files, sha256, selector }: Dataset,
  { git_commit: commit }: Beginning,
  prefix: string,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  if (project === undefined) return;
  const { tree } = project;
  const { commitTagged } = await Projects.of(tree).knowledge(`${tree.prefix}/runs/this`, commit, signal);
  const found = {
    canonical_selector: selector,
    canonical_files: files,
    canonical_total_questions: files.reduce((sum, { count }) => sum + Number(count), 0),
    global_sha256: sha256,
  };
  const documents: Record<string, string | undefined> = {
    [CANONICAL_SELECTOR]: project.selector,
    [FREEZE_MANIFEST]: project.freeze ?? `${JSON.stringify(found, null, 2)}\n`,
    [TAGGED_COMMITS_FILE]:
      commitTagged === undefined ? undefined : JSON.stringify({ tagged: commitTagged ? [commit] : [] }),
  };
  for (const [path, text] of Object.entries(documents))
    if (text !== undefined) await store.put(`${prefix}/${path}`, Buffer.from(text), { signal });
}
