import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import { isJsonObject } from '../../../contracts/json-value.ts';
import type { Directory } from '../../../discovery/directory.ts';
import { absolutePath } from '../../../discovery/path.ts';
import type { DiscoverContext, RunCandidate, RunFinder, SourceTree, StoreRef } from '../../../family.ts';
import { readJsonDocument } from '../../../run-files/documents.ts';
import {
  captureIdentity,
  contractIdentity,
  outputIdentity,
  parseContractPath,
  runnerIdentity,
  storeIdentity,
} from '../identity.ts';
import { storeRef } from '../stores/locate.ts';
import { candidateStores } from '../stores/referenced.ts';
import { classify } from './classify.ts';

/** Layouts of a candidate: `RunCandidate.kind`. */
export type HallulensKind =
  | 'contract-run'
  | 'runner-run'
  | 'output-tree'
  | 'capture'
  | 'lmdb-store'
  | 'json-npy-store'
  | 'zarr-store';

/** Artifacts that tell what a directory is. */
export const MARKS: ReadonlySet<string> = new Set([
  'config.json',
  'run_manifest.json',
  'generations.jsonl',
  'predictions.csv',
  'eval_metrics.json',
  'eval_metrics_extended.json',
  'train_metrics.jsonl',
  'run_error.json',
  'generation.jsonl',
  'eval_results.json',
  'eval_results_llm.json',
  'eval_results_for_training.json',
  'raw_eval_res.jsonl',
  'abstain_eval_raw.jsonl',
  'halu_eval_raw.jsonl',
  'llm_halu_eval_raw.jsonl',
  'meta.jsonl',
  'metadata.jsonl',
  'metadata.json',
  'data.mdb',
  'predictions.jsonl',
  'metrics.json',
  'results_table.csv',
  'summary.csv',
  'paper.csv',
]);

/** Finds HALLULENS runs. A store is a run of its own when, at the end, no run was found to refer to it. */
export function finder(tree: SourceTree, context: DiscoverContext): RunFinder {
  const referrers: RunCandidate[] = [];
  const stores: { readonly ref: StoreRef; readonly candidate: RunCandidate }[] = [];
  return {
    async visit(directory) {
      const candidate = await toCandidate(tree, directory, context);
      if (candidate === undefined) return [];
      const ref = standaloneStore(candidate);
      if (ref !== undefined) {
        stores.push({ ref, candidate });
        return [];
      }
      if (candidate.kind === 'contract-run') referrers.push(candidate);
      return [candidate];
    },
    async finish() {
      if (stores.length === 0) return [];
      const referenced = await referencedRoots(tree, referrers, context);
      return stores.filter(({ ref }) => !referenced.has(ref.root)).map(({ candidate }) => candidate);
    },
  };
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
  if (found.endsWith('-store')) context.recognised?.(directory.key);
  // The second environment of an LMDB store belongs to the first.
  if (found === 'lmdb-store' && directory.key.endsWith('_metadata')) return undefined;
  const kind = found === 'run' ? await runKind(tree, directory, path, context) : found;
  const files = [...directory.files.values()];
  const named = (object: ObjectInfo) => MARKS.has(object.key.slice(object.key.lastIndexOf('/') + 1));
  const attachments =
    kind === 'capture' ? [] : [...directory.artifacts, ...files.filter((object) => !named(object))];
  return {
    family: 'HALLULENS',
    kind,
    root: directory.key,
    runId: `${context.namespace}/hallulens/${identity(kind, path)}`,
    files: files.filter((object) => named(object) && object !== directory.files.get('data.mdb')),
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
  if (directory.files.has('generations.jsonl') || directory.files.has('train_metrics.jsonl'))
    return 'contract-run';
  const readContext = { tree, lenient: true, ...(context.signal ? { signal: context.signal } : {}) };
  for (const name of ['config.json', 'eval_metrics.json', 'run_manifest.json']) {
    const object = directory.files.get(name);
    if (object === undefined) continue;
    const { value } = await readJsonDocument(readContext, object, name);
    if (value === undefined) continue;
    if (isJsonObject(value['dataset']) || isJsonObject(value['experiment']) || 'training_seed' in value)
      return 'runner-run';
    if (typeof value['dataset'] === 'string' || 'git_commit' in value) return 'runner-run';
    if ('benchmark' in value || 'activation_logging' in value || 'git' in value) return 'contract-run';
  }
  if (directory.files.has('run_error.json') || directory.files.has('eval_metrics_extended.json'))
    return 'runner-run';
  return parseContractPath(path) === undefined ? 'runner-run' : 'contract-run';
}
