/** Names of the files of a run. */
export const MANIFEST_FILE = 'run_manifest.json';
export const METRICS_FILE = 'metrics.json';
export const PREDICTIONS_FILE = 'predictions.jsonl';
/** Predictions of a published subset run. */
export const SUBSET_FILE = 'predictions_subset.jsonl.gz';
export const SUMMARY_FILE = 'summary.md';
export const RECEIPT_FILE = 'publish_receipt.json';
/** Answers so far of a run that is under way, or was interrupted. */
export const CHECKPOINT_FILE = '.eval_checkpoint.jsonl';

export const RUN_FILES: ReadonlySet<string> = new Set([
  MANIFEST_FILE,
  METRICS_FILE,
  PREDICTIONS_FILE,
  SUBSET_FILE,
  SUMMARY_FILE,
  RECEIPT_FILE,
  CHECKPOINT_FILE,
]);
