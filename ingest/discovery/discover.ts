import { CancelledError } from '../../lake/errors.ts';
import type { DiscoverContext, Family, SourceTree } from '../family.ts';
import { Claims, type FoundRun } from './claims.ts';
import { eachDirectory } from './directory.ts';
import { DiscoveryNotes } from './notes.ts';
import { UnrecognisedFiles } from './unrecognised.ts';

/**
 * The runs of every family below the tree's prefix, each once, from one pass over the listing. Issues tell what was left
 * out and why: what two families (`CLAIMED_TWICE`) or two directories (`DUPLICATE_RUN`) claim, and data files that
 * no family knows (`UNRECOGNISED_FILES`).
 */
export async function* discoverRuns(
  tree: SourceTree,
  families: readonly Family[],
  context: DiscoverContext,
): AsyncGenerator<FoundRun> {
  const { signal } = context;
  const notes = new DiscoveryNotes(context.issue);
  const unrecognised = new UnrecognisedFiles();
  const claims = new Claims((issue) => notes.add(issue));
  const familyContext: DiscoverContext = {
    ...context,
    issue(issue) {
      if (issue.file !== undefined) unrecognised.explain(issue.file);
      notes.add(issue);
    },
    recognised: (key) => unrecognised.explain(key),
  };
  const settle = (found: readonly FoundRun[]): FoundRun[] => {
    for (const { candidate } of found) unrecognised.claim(candidate);
    return found.length === 0 ? [] : claims.settle(found);
  };
  const finders = families.map((family) => ({ family, finder: family.finder(tree, familyContext) }));
  const listing = tree.store.list({
    ...(tree.prefix === '' ? {} : { prefix: `${tree.prefix}/` }),
    ...(signal === undefined ? {} : { signal }),
  });
  const marks = { has: (name: string) => families.some((family) => family.marks.has(name)) };
  for await (const directory of eachDirectory(tree.prefix, listing, marks)) {
    if (signal?.aborted) throw new CancelledError('looking for runs', signal.reason);
    const found: FoundRun[] = [];
    for (const { family, finder } of finders) {
      for (const candidate of await finder.visit(directory)) found.push({ family, candidate });
    }
    unrecognised.add(directory);
    yield* settle(found);
  }
  for (const { family, finder } of finders) {
    yield* settle(((await finder.finish?.()) ?? []).map((candidate) => ({ family, candidate })));
  }
  for (const issue of unrecognised.issues(tree.prefix)) notes.add(issue);
  notes.finish();
}
