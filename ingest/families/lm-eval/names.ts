/** `2024-08-01T09-30-00.123456`: `datetime.isoformat` with hyphens for colons, local time. */
const STAMP = String.raw`(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}(?:\.\d{6})?)`;
const RESULTS = new RegExp(`^.+_${STAMP}\\.json$`);
const SAMPLES = new RegExp(`^samples_(.+)_${STAMP}\\.jsonl(?:\\.gz)?$`);

/** Name of the results file before 0.4.3, which every run in the same directory wrote anew. */
export const UNSTAMPED_RESULTS = 'results.json';

/** Time stamp of a results file: `results_<time>.json`, or `<name>_<time>.json` for `--output_path <name>.json`. */
export function resultsStamp(name: string): string | undefined {
  return RESULTS.exec(name)?.[1];
}

/** Task and time stamp of a samples file. */
export function samplesName(name: string): { readonly task: string; readonly stamp: string } | undefined {
  const [, task, stamp] = SAMPLES.exec(name) ?? [];
  return task === undefined || stamp === undefined ? undefined : { task, stamp };
}

/** Name of the samples file of a task before 0.4.3. */
export function unstampedSamples(modelArgs: string, task: string): string {
  return `${modelArgs.replace(/[/=]/g, '__')}_${task}.jsonl`;
}

/** An ISO 8601 time of a time stamp. */
export function stampTime(stamp: string): string {
  return `${stamp.slice(0, 10)}T${stamp.slice(11).replaceAll('-', ':')}`;
}

/** Name of a model as the harness makes directories of it. */
export function sanitizedModel(model: string): string {
  return model.replace(/["<>:/|\\?*[\]]+/g, '__');
}
