import type { Directory } from '../../../discovery/directory.ts';
import {
  CHECKPOINT_FILE,
  MANIFEST_FILE,
  METRICS_FILE,
  PREDICTIONS_FILE,
  RECEIPT_FILE,
  SUBSET_FILE,
} from '../files.ts';
import { parseRunName } from '../identity.ts';

/** Layouts of a candidate: `RunCandidate.kind`. */
export type ChaosbenchKind = 'run' | 'published' | 'interrupted';

/** Files beside which a manifest belongs to a run of another family. */
const FOREIGN = ['generations.jsonl', 'predictions.csv', 'eval_metrics.json', 'config.json'];

/** What kind of run a directory is, as far as names tell; undefined when it is none. */
export function classify({ key, files }: Directory): ChaosbenchKind | undefined {
  const has = (name: string): boolean => files.has(name);
  const path = key.split('/');
  const named = parseRunName(path.at(-1) ?? '') !== undefined;
  const hasPredictions = has(PREDICTIONS_FILE) || has(SUBSET_FILE);
  const hasResults = has(MANIFEST_FILE) || has(METRICS_FILE) || hasPredictions;
  if (!hasResults) return has(CHECKPOINT_FILE) ? 'interrupted' : undefined;
  // A manifest that was lost is an error of the run, so what lies beside it tells the run too.
  const signs = [has(MANIFEST_FILE), has(METRICS_FILE), hasPredictions, has(RECEIPT_FILE), named];
  const isRun = has(CHECKPOINT_FILE) || has(SUBSET_FILE) || signs.filter(Boolean).length >= 2;
  if (!isRun || (!named && FOREIGN.some(has))) return undefined;
  return has(RECEIPT_FILE) || path.includes('published_results') ? 'published' : 'run';
}
