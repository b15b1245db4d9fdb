import { z } from 'zod';
import { wholeNumber } from '../scalars.ts';

const seed = wholeNumber.nullish();

/** `config.json` of the original runner: three nested configurations and the seeds. */
export const runnerConfigSchema = z.looseObject({
  dataset: z.looseObject({
    name: z.string(),
    model_name: z.string().nullish(),
    icr_capture: z.looseObject({ train_dir: z.string().nullish(), test_dir: z.string().nullish() }).nullish(),
  }),
  method: z.looseObject({ name: z.string() }),
  experiment: z.looseObject({ experiment_name: z.string().nullish() }),
  training_seed: seed,
  split_seed: seed,
});

export type RunnerConfig = z.infer<typeof runnerConfigSchema>;

/** `run_manifest.json` of the original runner: flat. */
export const runnerManifestSchema = z.looseObject({
  created_at: z.string(),
  git_commit: z.string().nullish(),
  git_dirty: z.boolean().nullish(),
});

/** `eval_metrics.json` of the original runner; every further numeric key is a metric. */
export const runnerMetricsSchema = z.looseObject({
  method: z.string(),
  dataset: z.string(),
  seed,
  split_seed: seed,
});

/** `run_error.json`: what a failed method left. */
export const runErrorSchema = z.looseObject({ method: z.string(), seed, error: z.string() });

/** Keys of the runner's metric files that identify or describe and are no metrics. */
export const RUNNER_IDENTITY_KEYS: ReadonlySet<string> = new Set(['method', 'dataset', 'seed', 'split_seed']);
