import type { Directory } from '../../../discovery/directory.ts';

/** What a directory is, as far as its file names tell. */
export type DirectoryKind =
  | 'run'
  | 'output-tree'
  | 'capture'
  | 'lmdb-store'
  | 'json-npy-store'
  | 'zarr-store'
  | 'result-tables';

const RUN_FILES = [
  'generations.jsonl',
  'predictions.csv',
  'eval_metrics.json',
  'eval_metrics_extended.json',
  'train_metrics.jsonl',
  'run_error.json',
] as const;

/** What a directory is, by the names of its files alone; undefined when it is nothing of this family. */
export function classify(directory: Directory, looksLikeContractPath: boolean): DirectoryKind | undefined {
  const has = (name: string): boolean => directory.files.has(name);
  if (directory.zarrGroup) return directory.activationFiles > 0 ? 'zarr-store' : undefined;
  if (has('data.mdb')) return 'lmdb-store';
  if (has('meta.jsonl') && (has('config.json') || [...directory.files.keys()].some(isMemmapArray)))
    return 'capture';
  if (RUN_FILES.some(has)) return 'run';
  if (has('config.json') && has('run_manifest.json') && !has('predictions.jsonl') && !has('metrics.json'))
    return 'run';
  if (looksLikeContractPath && (has('config.json') || has('run_manifest.json'))) return 'run';
  if ((has('metadata.jsonl') || has('metadata.json')) && directory.activationFiles > 0)
    return 'json-npy-store';
  if (has('generation.jsonl') || has('eval_results.json')) return 'output-tree';
  if (has('results_table.csv') || has('summary.csv') || has('paper.csv')) return 'result-tables';
  return undefined;
}

function isMemmapArray(name: string): boolean {
  return name.endsWith('_activations.npy');
}
