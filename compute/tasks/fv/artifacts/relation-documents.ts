import { float, pythonJson } from '../../python/json.ts';
import { location, type RelationExperiment, samplingOf } from './experiment.ts';

/** The relation as a whole: all queries that one job does. */
export interface RelationRun {
  readonly experiment: RelationExperiment;
  /** The relation's name. */
  readonly name: string;
  /** Directory of the relation queries: a key of the store. */
  readonly base: string;
  readonly queries: number;
}

/** `_status/run_meta.json`: what the job was asked to do. */
export function runMeta({ experiment, name, base, queries }: RelationRun): string {
  const { createdAt, relationPath, model, modelType, provider, compute, topk, scoreKey } = experiment;
  const { alpha, evalExamples, trials, demos, seed } = experiment;
  return pythonJson(
    {
      created_at: createdAt,
      relation_name: name,
      relation_csv_path: relationPath,
      n_selected_qids: queries,
      model,
      model_spec: modelType,
      device: provider,
      dtype: compute,
      quant: 'none',
      device_map: null,
      topk,
      score_key: scoreKey,
      alpha: float(alpha),
      n_eval: evalExamples,
      n_trials_per_q: trials,
      n_demos: demos,
      seed,
      ...samplingOf(experiment),
      // There is no Python here.
      python_bin: null,
      dry_run: false,
      out_root: base,
      ...location(base),
    },
    2,
  );
}

/** What became of the relation queries. */
export interface RelationOutcome {
  readonly processed: number;
  readonly skipped: readonly string[];
  readonly failed: readonly string[];
}

/** `_status/run_summary.json` */
export function runSummary({ name, base, queries }: RelationRun, outcome: RelationOutcome): string {
  const { processed, skipped, failed } = outcome;
  return pythonJson(
    {
      updated_at: new Date().toISOString(),
      status: failed.length === 0 ? 'completed' : 'failed',
      relation_name: name,
      n_selected_qids: queries,
      processed,
      skipped_q_ids: [...skipped],
      failed_q_ids: [...failed],
      out_root: base,
      ...location(base),
    },
    2,
  );
}
