import { CancelledError } from '../../lake/errors.ts';
import type { DiscoverContext, Family, RunCandidate, SourceTree } from '../family.ts';
import { eachDirectory } from './directory.ts';

export interface FoundRun {
  readonly family: Family;
  readonly candidate: RunCandidate;
}

/**
 * The runs of every family below the tree's prefix, each once, from one pass over the listing. Of two directories that
 * are the same run the first counts and the other is an issue (`DUPLICATE_RUN`).
 */
export async function* discoverRuns(
  tree: SourceTree,
  families: readonly Family[],
  context: DiscoverContext,
): AsyncGenerator<FoundRun> {
  const { signal } = context;
  const finders = families.map((family) => ({ family, finder: family.finder(tree, context) }));
  const seen = new Set<string>();
  const fresh = (candidate: RunCandidate): boolean => {
    if (!seen.has(candidate.runId)) {
      seen.add(candidate.runId);
      return true;
    }
    context.issue?.({
      severity: 'warning',
      code: 'DUPLICATE_RUN',
      file: candidate.root,
      message: `another directory of the tree is the run ${candidate.runId} already; this one is left out`,
    });
    return false;
  };
  const listing = tree.store.list({
    ...(tree.prefix === '' ? {} : { prefix: `${tree.prefix}/` }),
    ...(signal === undefined ? {} : { signal }),
  });
  const marks = new Set(families.flatMap((family) => [...family.marks]));
  for await (const directory of eachDirectory(tree.prefix, listing, marks)) {
    if (signal?.aborted) throw new CancelledError('looking for runs', signal.reason);
    for (const { family, finder } of finders) {
      for (const candidate of await finder.visit(directory)) {
        if (fresh(candidate)) yield { family, candidate };
      }
    }
  }
  for (const { family, finder } of finders) {
    for (const candidate of (await finder.finish?.()) ?? []) {
      if (fresh(candidate)) yield { family, candidate };
    }
  }
}
