/** What a file of a run is, as its path tells. */
export type FvRole =
  | 'status'
  | 'cie'
  | 'aie'
  | 'trials'
  | 'zero-shot'
  | 'trial-metrics'
  | 'top-heads'
  | 'fv-meta'
  | 'step-e'
  | 'perf-stats'
  | 'resume-state'
  | 'resume-heads'
  | 'resume-trials'
  | 'run-meta'
  | 'run-status'
  | 'fv-global'
  | 'fv-by-layer'
  | 'clean-mean'
  | 'layers-summary'
  | 'layer-summary'
  | 'layer-trials'
  | 'layer-meta'
  | 'layer-results'
  | 'additions'
  | 'addition-trials'
  | 'addition-settings'
  | 'attribution';

const BY_NAME: Readonly<Record<string, FvRole>> = {
  'qid_status.json': 'status',
  'cie_scores.csv': 'cie',
  'aie_scores.csv': 'aie',
  'sampled_trials.json': 'trials',
  'sampled_trials_zeroshot.json': 'zero-shot',
  'trial_metrics.jsonl': 'trial-metrics',
  'top_heads.json': 'top-heads',
  'fv_global_resid_meta.json': 'fv-meta',
  'stepE_eval.json': 'step-e',
  'perf_stats.json': 'perf-stats',
  'resume_state.json': 'resume-state',
  'aie_scores.resume.jsonl': 'resume-heads',
  'trial_metrics.resume.jsonl': 'resume-trials',
  'run_meta.json': 'run-meta',
  'run_status.json': 'run-status',
  'fv_global_resid.pt': 'fv-global',
  'fv_by_layer.pt': 'fv-by-layer',
  'global_clean_mean.pt': 'clean-mean',
  'mean_activations.pt': 'clean-mean',
  'step6_all_layers_summary.json': 'layers-summary',
};

const IN_LAYER: Readonly<Record<string, FvRole>> = {
  'eval_summary.json': 'layer-summary',
  'eval_trials.jsonl': 'layer-trials',
  'eval_meta.json': 'layer-meta',
};

/** Files that Runlake adds to those of the contract. */
const ADDITIONS_DIRECTORY = 'runlake';
const IN_ADDITIONS: Readonly<Record<string, FvRole>> = {
  'injections.jsonl': 'additions',
  'injection_trials.jsonl': 'addition-trials',
  'settings.json': 'addition-settings',
  'head_attribution.jsonl': 'attribution',
};

const LAYER_DIRECTORY = /^layer_(\d{1,4})$/;
const QID_CLEAN_MEAN = /^qid_(.+)_clean_mean\.pt$/;
const LAYER_RESULTS = /^step6_results_.*\.json$/;
/** Score files under names that people gave them; the other part of the name tells them apart. */
const LOOSE_SCORES = /^(?:.+_)?(aie|cie)_scores(?:_.+)?\.csv$/;

/** Names that tell an FV directory; those that other tools may use too are left to the directory they lie in. */
export const MARKS: ReadonlySet<string> = new Set([
  ...Object.keys(BY_NAME),
  ...Object.keys(IN_LAYER),
  ...Object.keys(IN_ADDITIONS),
]);

/** Roles that alone do not make a run: other tools write files of such names. */
export const WEAK: ReadonlySet<FvRole> = new Set<FvRole>([
  'perf-stats',
  'run-meta',
  'run-status',
  'step-e',
  'additions',
  'addition-trials',
  'addition-settings',
  'attribution',
]);

/** The layer of a directory `layer_<l>`. */
export function layerOf(directory: string): number | undefined {
  const digits = LAYER_DIRECTORY.exec(directory)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** @param directory name of the directory in which the file lies */
export function roleOf(directory: string, name: string): FvRole | undefined {
  if (layerOf(directory) !== undefined) {
    const role = Object.hasOwn(IN_LAYER, name) ? IN_LAYER[name] : undefined;
    return role ?? (LAYER_RESULTS.test(name) ? 'layer-results' : undefined);
  }
  if (directory === ADDITIONS_DIRECTORY)
    return Object.hasOwn(IN_ADDITIONS, name) ? IN_ADDITIONS[name] : undefined;
  if (QID_CLEAN_MEAN.test(name)) return 'clean-mean';
  return Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
}

/** The role of a score file that does not bear its original name. */
export function looseScores(name: string): 'aie' | 'cie' | undefined {
  const kind = LOOSE_SCORES.exec(name)?.[1];
  return kind === 'aie' || kind === 'cie' ? kind : undefined;
}

/** The relation query in the name of a file `qid_<q>_clean_mean.pt`. */
export function cleanMeanQid(path: string): string | null {
  return QID_CLEAN_MEAN.exec(splitPath(path).name)?.[1] ?? null;
}

const INNER: ReadonlySet<string> = new Set([
  'artifacts',
  '_resume',
  'stepD_mean_acts',
  'step6',
  ADDITIONS_DIRECTORY,
  'logs',
  'super_stepd_artifacts',
  'super_fv_artifacts',
]);

/** The run to which a directory of artifacts belongs: itself without the directories that a run has inside. */
export function homeOf(directory: string): string {
  const parts = directory.split('/');
  for (;;) {
    const name = parts.at(-1) ?? '';
    if (INNER.has(name) || layerOf(name) !== undefined) parts.pop();
    else if (parts.at(-2) === 'eval_by_q') parts.splice(-2);
    else return parts.join('/');
  }
}

/** The layers that a function vector was injected into, one after the other, with one set of examples. */
export interface SweepFiles {
  /** Directory of the `layer_<l>` directories, within the run. */
  readonly path: string;
  readonly summary: string | undefined;
  /** In order of the layers. */
  readonly layers: ReadonlyMap<number, LayerFiles>;
}

export interface LayerFiles {
  readonly summary?: string;
  readonly trials?: string;
  readonly meta?: string;
  /** In key order. */
  readonly results: readonly string[];
}

/** A run's files by what they are; every path is within the run. */
export interface FvLayout {
  /** The first file of a role, in key order. */
  first(role: FvRole): string | undefined;
  all(role: FvRole): readonly string[];
  /** In order of their paths. */
  readonly sweeps: readonly SweepFiles[];
}

function splitPath(path: string): { parent: string; directory: string; name: string } {
  const slash = path.lastIndexOf('/');
  const parent = path.slice(0, Math.max(slash, 0));
  return { parent, directory: parent.slice(parent.lastIndexOf('/') + 1), name: path.slice(slash + 1) };
}

/** What the files of a run are. @param paths within the run, in key order */
export function layoutOf(paths: Iterable<string>): FvLayout {
  const roles = new Map<FvRole, string[]>();
  const sweeps = new Map<string, { layers: Map<number, string[]>; summary: string | undefined }>();
  const sweepAt = (path: string) => {
    const known = sweeps.get(path) ?? { layers: new Map<number, string[]>(), summary: undefined };
    sweeps.set(path, known);
    return known;
  };
  for (const path of paths) {
    const { parent, directory, name } = splitPath(path);
    const layer = layerOf(directory);
    const role = roleOf(directory, name) ?? looseScores(name);
    if (role === undefined) continue;
    if (layer !== undefined) {
      const { layers } = sweepAt(splitPath(parent).parent);
      layers.set(layer, [...(layers.get(layer) ?? []), path]);
    } else if (role === 'layers-summary') sweepAt(parent).summary = path;
    else roles.set(role, [...(roles.get(role) ?? []), path]);
  }
  return {
    first: (role) => roles.get(role)?.[0],
    all: (role) => roles.get(role) ?? [],
    sweeps: [...sweeps]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, { layers, summary }]) => ({
        path,
        summary,
        layers: new Map([...layers].sort(([a], [b]) => a - b).map(([l, files]) => [l, layerFiles(files)])),
      })),
  };
}

function layerFiles(paths: readonly string[]): LayerFiles {
  const found: Partial<Record<FvRole, string>> = {};
  const results: string[] = [];
  for (const path of paths) {
    const { directory, name } = splitPath(path);
    const role = roleOf(directory, name);
    if (role === 'layer-results') results.push(path);
    else if (role !== undefined) found[role] = path;
  }
  return {
    ...(found['layer-summary'] === undefined ? {} : { summary: found['layer-summary'] }),
    ...(found['layer-trials'] === undefined ? {} : { trials: found['layer-trials'] }),
    ...(found['layer-meta'] === undefined ? {} : { meta: found['layer-meta'] }),
    results,
  };
}
