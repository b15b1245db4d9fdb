import { discoverRuns } from '../../../../ingest/discovery/discover.ts';
import { CHAOSBENCH } from '../../../../ingest/families/chaosbench/index.ts';
import type { Issue, RunCandidate, RunSink, SourceTree } from '../../../../ingest/family.ts';
import { ContentHasher } from '../../../../ingest/pipeline/content-hash.ts';
import { runContentHash } from '../../../../ingest/pipeline/run-ingest.ts';
import { openTree, uriOf } from '../../../../ingest/pipeline/tree.ts';
import { runFiles } from '../../../../ingest/run-files/run-files.ts';
import type { LakeReader } from '../../../../lake/engine/types.ts';
import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import { findRun, type KnownRun, RunNotFoundError } from '../find-run.ts';
import { SourceChangedError, UnpublishableRunError } from './errors.ts';

/** The lake in which runs are looked up, and the directory that remembers hashes of files. */
export interface RunLookup {
  readonly reader: LakeReader;
  readonly home: string;
}

/** A run that may be published: its artifacts, and what the policy says about it. */
export interface SourceRun {
  readonly runId: string;
  readonly uri: string;
  readonly tree: SourceTree;
  readonly root: string;
  /** Its artifacts by name. */
  readonly files: ReadonlyMap<string, ObjectInfo>;
  readonly verdict: string | null;
  readonly verdictReasons: readonly string[];
}

export interface SourceOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/** Issues that an error message quotes. */
const MAX_QUOTED = 3;

/**
 * Finds the run that `run` names: a run id of the lake, the end of one (`20260220T104105Z_ollama_llama3.1:8b`), or a
 * run directory (path or URI; not with `onlyIngested`). The artifacts of a run of the lake must be those that were ingested.
 * @throws RunNotFoundError, SourceChangedError, UnpublishableRunError
 */
export async function findSource(
  run: string,
  lookup: RunLookup | undefined,
  options: SourceOptions,
  onlyIngested = false,
): Promise<SourceRun> {
  if (lookup !== undefined) {
    const snapshot = await lookup.reader.snapshot(undefined, { signal: options.signal });
    const known = await findRun(lookup.reader, snapshot, run, { signal: options.signal });
    if (known !== undefined) return ingestedSource(known, lookup, options);
  }
  if (onlyIngested) throw new RunNotFoundError(`${run} is no run of the lake`);
  return directorySource(run, options);
}

async function ingestedSource(
  known: KnownRun,
  lookup: RunLookup,
  options: SourceOptions,
): Promise<SourceRun> {
  const { runId, sourceUri, contentSha256, verdict, verdictReasons } = known;
  const remedy = 'put the artifacts back, ingest them again where they are now, or name their directory';
  const tree = await openTree(sourceUri, options.env);
  const found = await candidates(tree, runId.slice(0, runId.indexOf('/')), options);
  const candidate = found.find(({ root }) => root === tree.prefix);
  if (candidate === undefined) {
    throw new SourceChangedError(`the artifacts of ${runId} are gone`, {
      where: { file: sourceUri },
      expected: 'the run directory that was ingested',
      remedy,
    });
  }
  const hasher = await ContentHasher.open(lookup.home);
  const hashes = [false, true].map((lenient) =>
    runContentHash(
      { family: CHAOSBENCH, candidate, context: { tree, lenient } },
      new Map(),
      undefined,
      hasher,
      options.signal === undefined ? {} : { signal: options.signal },
    ),
  );
  if (!(await Promise.all(hashes)).includes(contentSha256)) {
    throw new SourceChangedError(`the artifacts of ${runId} are not those that were ingested`, {
      where: { file: sourceUri },
      expected: `content ${contentSha256}`,
      remedy: 'ingest the run again, so that what is published is what the lake shows',
    });
  }
  return { ...placeOf(tree, candidate), runId, verdict, verdictReasons };
}

async function directorySource(uri: string, options: SourceOptions): Promise<SourceRun> {
  const tree = await openTree(uri, options.env);
  const found = await candidates(tree, 'main', options);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new RunNotFoundError(
      only === undefined
        ? `${uri} is neither a run of the lake nor a directory with a ChaosBench run`
        : `${uri} holds ${found.length} runs`,
      { expected: 'a run id of the lake, the end of one, or the directory of one run' },
    );
  }
  const issues: Issue[] = [];
  const sink: RunSink = {
    rows: async () => {},
    issue: (issue) => void issues.push(issue),
    store: async () => {
      throw new TypeError('a ChaosBench run has no activation store');
    },
  };
  const context = { tree, lenient: false, ...(options.signal && { signal: options.signal }) };
  const { columns, accepted } = await CHAOSBENCH.read(only, sink, context);
  if (!accepted) {
    const errors = issues.filter(({ severity }) => severity === 'error');
    const quoted = errors.slice(0, MAX_QUOTED).map(({ code, message }) => `${code}: ${message}`);
    const more = errors.length > MAX_QUOTED ? `; and ${errors.length - MAX_QUOTED} more` : '';
    throw new UnpublishableRunError(`the run breaks its contract: ${quoted.join('; ')}${more}`, {
      where: { file: uriOf(tree, only.root) },
      remedy: 'runlake validate lists every issue',
    });
  }
  return {
    ...placeOf(tree, only),
    runId: only.runId,
    verdict: columns.verdict,
    verdictReasons: columns.verdict_reasons ?? [],
  };
}

function placeOf(
  tree: SourceTree,
  candidate: RunCandidate,
): Pick<SourceRun, 'uri' | 'tree' | 'root' | 'files'> {
  const { root } = candidate;
  return { uri: uriOf(tree, root), tree, root, files: runFiles(candidate) };
}

async function candidates(
  tree: SourceTree,
  namespace: string,
  { signal }: SourceOptions,
): Promise<RunCandidate[]> {
  const found: RunCandidate[] = [];
  const context = { namespace, ...(signal && { signal }) };
  for await (const { candidate } of discoverRuns(tree, [CHAOSBENCH], context)) found.push(candidate);
  return found;
}
