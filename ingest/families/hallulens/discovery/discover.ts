import { CancelledError } from '../../../../lake/errors.ts';
import { isJsonObject } from '../../../contracts/json-value.ts';
import type { DiscoverContext, RunCandidate, SourceTree, StoreRef } from '../../../family.ts';
import {
  absolutePath,
  captureIdentity,
  contractIdentity,
  outputIdentity,
  parseContractPath,
  runnerIdentity,
  storeIdentity,
} from '../identity.ts';
import { storeRef } from '../stores/locate.ts';
import { candidateStores } from '../stores/referenced.ts';
import { readJsonDocument } from '../text/documents.ts';
import { classify } from './classify.ts';
import { type Directory, eachDirectory } from './directory.ts';

/** Layouts of a candidate: `RunCandidate.kind`. */
export type HallulensKind =
  | 'contract-run'
  | 'runner-run'
  | 'output-tree'
  | 'capture'
  | 'lmdb-store'
  | 'json-npy-store'
  | 'zarr-store';

/** Finds HALLULENS runs below the tree's prefix; see `Family.discover`. */
export async function* discover(tree: SourceTree, context: DiscoverContext): AsyncGenerator<RunCandidate> {
  const seen = new Set<string>();
  const referrers: RunCandidate[] = [];
  const stores: { readonly ref: StoreRef; readonly candidate: RunCandidate }[] = [];
  const listing = tree.store.list({
    ...(tree.prefix === '' ? {} : { prefix: `${tree.prefix}/` }),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  for await (const directory of eachDirectory(tree.prefix, listing)) {
    if (context.signal?.aborted) throw new CancelledError('looking for runs', context.signal.reason);
    const candidate = await toCandidate(tree, directory, context);
    if (candidate === undefined) continue;
    if (seen.has(candidate.runId)) {
      context.issue?.({
        severity: 'warning',
        code: 'DUPLICATE_RUN',
        file: candidate.root,
        message: `another directory of the tree is the run ${candidate.runId} already; this one is left out`,
      });
      continue;
    }
    const ref = standaloneStore(candidate);
    if (ref !== undefined) {
      stores.push({ ref, candidate });
      continue;
    }
    seen.add(candidate.runId);
    if (candidate.kind === 'contract-run') referrers.push(candidate);
    yield candidate;
  }
  if (stores.length === 0) return;
  const referenced = await referencedRoots(tree, referrers, context);
  for (const { ref, candidate } of stores) {
    if (referenced.has(ref.root) || seen.has(candidate.runId)) continue;
    seen.add(candidate.runId);
    yield candidate;
  }
}

function standaloneStore(candidate: RunCandidate): StoreRef | undefined {
  if (candidate.kind === 'lmdb-store') return storeRef('lmdb', candidate.root);
  if (candidate.kind === 'json-npy-store') return storeRef('json_npy', candidate.root);
  if (candidate.kind === 'zarr-store') return storeRef('zarr', candidate.root);
  return undefined;
}

async function referencedRoots(
  tree: SourceTree,
  referrers: readonly RunCandidate[],
  context: DiscoverContext,
): Promise<ReadonlySet<string>> {
  const roots = new Set<string>();
  const readContext = { tree, lenient: true, ...(context.signal ? { signal: context.signal } : {}) };
  for (const candidate of referrers) {
    for (const ref of await candidateStores(candidate, readContext)) roots.add(ref.root);
  }
  return roots;
}

async function toCandidate(
  tree: SourceTree,
  directory: Directory,
  context: DiscoverContext,
): Promise<RunCandidate | undefined> {
  const path = absolutePath(tree.store.uri, directory.key);
  const found = classify(directory, parseContractPath(path) !== undefined);
  if (found === undefined) return undefined;
  if (found === 'result-tables') {
    context.issue?.({
      severity: 'info',
      code: 'RESULT_TABLES_IGNORED',
      file: directory.key,
      message: 'aggregated tables are derived data; the runs themselves are read',
    });
    return undefined;
  }
  // The second environment of an LMDB store belongs to the first.
  if (found === 'lmdb-store' && directory.key.endsWith('_metadata')) return undefined;
  const kind = found === 'run' ? await runKind(tree, directory, path, context) : found;
  const attachments = kind === 'capture' ? [] : directory.others;
  return {
    family: 'HALLULENS',
    kind,
    root: directory.key,
    runId: `${context.namespace}/hallulens/${identity(kind, path)}`,
    files: [...directory.known.values()].filter((object) => object !== directory.known.get('data.mdb')),
    ...(attachments.length === 0 ? {} : { attachments }),
  };
}

function identity(kind: HallulensKind, path: readonly string[]): string {
  switch (kind) {
    case 'contract-run':
      return contractIdentity(path);
    case 'runner-run':
      return runnerIdentity(path);
    case 'output-tree':
      return outputIdentity(path);
    case 'capture':
      return captureIdentity(path);
    default:
      return storeIdentity(path);
  }
}

/**
 * Tells a run of the contract from one of the original runner: by files that only one of them writes, else by
 * the shape of the configuration or of the metrics, and only without these by the path.
 */
async function runKind(
  tree: SourceTree,
  directory: Directory,
  path: readonly string[],
  context: DiscoverContext,
): Promise<'contract-run' | 'runner-run'> {
  if (directory.known.has('generations.jsonl') || directory.known.has('train_metrics.jsonl'))
    return 'contract-run';
  const readContext = { tree, lenient: true, ...(context.signal ? { signal: context.signal } : {}) };
  for (const name of ['config.json', 'eval_metrics.json', 'run_manifest.json']) {
    const object = directory.known.get(name);
    if (object === undefined) continue;
    const { value } = await readJsonDocument(readContext, object, name);
    if (value === undefined) continue;
    if (isJsonObject(value['dataset']) || isJsonObject(value['experiment']) || 'training_seed' in value)
      return 'runner-run';
    if (typeof value['dataset'] === 'string' || 'git_commit' in value) return 'runner-run';
    if ('benchmark' in value || 'activation_logging' in value || 'git' in value) return 'contract-run';
  }
  if (directory.known.has('run_error.json') || directory.known.has('eval_metrics_extended.json'))
    return 'runner-run';
  return parseContractPath(path) === undefined ? 'runner-run' : 'contract-run';
}
