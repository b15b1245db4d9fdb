import { InvalidArgumentError } from '../../lake/errors.ts';
import { discoverRuns } from '../discovery/discover.ts';
import type { Family, Issue, ReadContext } from '../family.ts';
import type { RunJob } from './run-ingest.ts';
import { expectDirectory, openTree, placeOf } from './tree.ts';

export interface DiscoverOptions {
  readonly families: readonly Family[];
  /** First component of every run id. Default `main`. */
  readonly namespace?: string;
  /** Per-record errors become warnings and the good records are ingested. */
  readonly lenient?: boolean;
  /** Where credentials and endpoints of object stores come from. */
  readonly env?: NodeJS.ProcessEnv;
  /** Nothing outside this place is read, whatever links and artifacts say. */
  readonly within?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * The runs of every family below `uris`, each once. Issues name the path or URI of what they are about.
 * @throws InvalidArgumentError when two directories have the identity of one run; SourceNotFoundError
 */
export async function discoverJobs(
  uris: readonly string[],
  options: DiscoverOptions,
  listeners: { readonly issue: (issue: Issue) => void; readonly found?: () => void },
): Promise<RunJob[]> {
  const { families, namespace = 'main', lenient = false, signal, env, within } = options;
  const jobs = new Map<string, RunJob>();
  for (const uri of uris) {
    await expectDirectory(uri);
    const tree = await openTree(uri, env, within);
    const context: ReadContext = { tree, lenient, signal };
    const issue = ({ file, ...rest }: Issue) =>
      listeners.issue(file === undefined ? rest : { ...rest, file: placeOf(tree, file) });
    const found = discoverRuns(tree, families, { namespace, signal, issue });
    for await (const { family, candidate } of found) {
      const job: RunJob = { family, candidate, context };
      const known = jobs.get(candidate.runId);
      if (known === undefined) listeners.found?.();
      else if (known.candidate.root !== candidate.root) {
        const [read, left] = choose(known, job);
        listeners.issue(leftOutIssue(read, left));
        if (left === job) continue;
      }
      jobs.set(candidate.runId, job);
    }
  }
  return [...jobs.values()];
}

/** Which of two directories of one run is read, and which is left out. @throws InvalidArgumentError unless one is a copy */
function choose(known: RunJob, found: RunJob): readonly [read: RunJob, left: RunJob] {
  if (found.candidate.copy) return [known, found];
  if (known.candidate.copy) return [found, known];
  throw new InvalidArgumentError(`two directories claim to be run ${found.candidate.runId}`, {
    where: { file: found.candidate.root },
    expected: `only ${known.candidate.root}`,
    remedy: 'ingest them into different namespaces with --namespace',
  });
}

function leftOutIssue(read: RunJob, left: RunJob): Issue {
  return {
    severity: 'info',
    code: 'PUBLISHED_COPY',
    file: placeOf(left.context.tree, left.candidate.root),
    message: `a copy of ${read.candidate.runId}, which is read from ${placeOf(read.context.tree, read.candidate.root)}`,
  };
}
