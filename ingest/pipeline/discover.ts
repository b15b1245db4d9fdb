import { InvalidArgumentError } from '../../lake/errors.ts';
import { discoverRuns } from '../discovery/discover.ts';
import type { Family, Issue, ReadContext } from '../family.ts';
import type { RunJob } from './run-ingest.ts';
import { openTree, placeOf } from './tree.ts';

export interface DiscoverOptions {
  readonly families: readonly Family[];
  /** First component of every run id. Default `main`. */
  readonly namespace?: string;
  /** Per-record errors become warnings and the good records are ingested. */
  readonly lenient?: boolean;
  /** Where credentials and endpoints of object stores come from. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/**
 * The runs of every family below `uris`, each once. Issues name the path or URI of what they are about.
 * @throws InvalidArgumentError when two directories have the identity of one run
 */
export async function discoverJobs(
  uris: readonly string[],
  options: DiscoverOptions,
  listeners: { readonly issue: (issue: Issue) => void; readonly found?: () => void },
): Promise<RunJob[]> {
  const { families, namespace = 'main', lenient = false, signal, env } = options;
  const jobs = new Map<string, RunJob>();
  for (const uri of uris) {
    const tree = await openTree(uri, env);
    const context: ReadContext = { tree, lenient, signal };
    const issue = ({ file, ...rest }: Issue) =>
      listeners.issue(file === undefined ? rest : { ...rest, file: placeOf(tree, file) });
    const found = discoverRuns(tree, families, { namespace, signal, issue });
    for await (const { family, candidate } of found) {
      const known = jobs.get(candidate.runId);
      if (known === undefined) listeners.found?.();
      else if (known.candidate.root !== candidate.root) {
        throw new InvalidArgumentError(`two directories claim to be run ${candidate.runId}`, {
          where: { file: candidate.root },
          expected: `only ${known.candidate.root}`,
          remedy: 'ingest them into different namespaces with --namespace',
        });
      }
      jobs.set(candidate.runId, { family, candidate, context });
    }
  }
  return [...jobs.values()];
}
