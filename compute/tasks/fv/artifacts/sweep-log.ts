import type { HeadScores } from '../scores/head-scores.ts';
import { mean } from '../scores/moments.ts';
import { fixedPoints } from '../trials/sample.ts';
import { additionsRecord, type Experiment, samplingOf, type TokenizedTrial } from './experiment.ts';

/** What of a sweep its log tells. */
export interface LoggedSweep {
  readonly experiment: Experiment;
  readonly trials: readonly TokenizedTrial[];
  /** Heads in rank order. */
  readonly ranked: readonly HeadScores[];
  /** One full pass a head and trial, as the reference implementation does. */
  readonly reference: boolean;
}

/** Heads that are listed. */
const LISTED = 10;

/**
 * `logs/stepD_aie.log`: how the head sweep was set up and what it found, for people. It has no times, so that a resumed job writes the same
 * one; when things happened is in the events of the job.
 */
export function sweepLog({ experiment, trials, ranked, reference }: LoggedSweep): string {
  const { qId, root, model, modelType, relationPath, demos, seed, scoreKey } = experiment;
  const { specialTokens, compute, provider } = experiment;
  const fixed = trials.map(({ trial }) => fixedPoints(trial));
  const settings = {
    run_id: qId,
    artifacts_dir: root,
    model,
    model_spec: modelType,
    dtype: compute,
    device: provider,
    tok_add_special: specialTokens,
    relation_csv_path: relationPath,
    relation_n_trials_per_q: trials.length,
    relation_n_demos: demos,
    seed,
    score_key: scoreKey,
    ...samplingOf(experiment),
    ...additionsRecord(experiment),
    algorithm: reference
      ? 'one full pass a head and trial (reference)'
      : 'one pass a trial and one-token rows behind it',
  };
  const lengths = trials.map(({ prompt }) => prompt.tokens.length);
  return [
    'head sweep (StepD)',
    ...Object.entries(settings).map(([name, value]) => `${name}: ${String(value)}`),
    `corrupted prompts: ${Math.min(...lengths)} to ${Math.max(...lengths)} tokens`,
    `demonstrations with their own label in corrupted prompts: overlap_mean=${mean(fixed).toFixed(2)} min=${Math.min(...fixed)} max=${Math.max(...fixed)} of ${demos}`,
    `probability of the answer in corrupted prompts: ${ranked[0]?.scores.mean_p_base ?? 'unknown'}`,
    `heads swept: ${ranked.length}`,
    ...ranked.slice(0, LISTED).map(({ layer, head, scores }, i) => {
      const score = `${scoreKey} ${scores[scoreKey]}`;
      return `rank ${i + 1}: layer ${layer} head ${head} ${score}`;
    }),
    '',
  ].join('\n');
}
