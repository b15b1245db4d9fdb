import type { TokenizedTrial } from '../artifacts/experiment.ts';
import { aieScores, cieScores, trialMetrics } from '../artifacts/score-tables.ts';
import { cleanMeanFile } from '../artifacts/vector-files.ts';
import { fingerprintOf } from '../checkpoints.ts';
import { queryDirectory } from '../relation/query-directory.ts';
import { type HeadScores, headScores } from '../scores/head-scores.ts';
import { cleanMeans } from '../sweep/clean-means.ts';
import { headsOf, sweepTrials } from '../sweep/head-sweep.ts';
import { cleanPrompt, slotPrompt } from '../trials/prompts.ts';
import { attemptOf } from './attempt.ts';
import { checkpointsOf, put, putLines, type StageContext } from './context.ts';

/** What the heads do to the answers of the trials. */
export interface SweepResult {
  /** Of every head over the clean prompts, `[L, H, d]`. */
  readonly means: Float32Array;
  /** The heads that were swept, in order of layer and head. */
  readonly scores: readonly HeadScores[];
  /** Of everything that the readings depend on. */
  readonly basis: string;
}

/** Means of the heads over clean prompts, then each head replaced by its mean in the corrupted ones. */
export async function sweepStage(
  context: StageContext,
  trials: readonly TokenizedTrial[],
): Promise<SweepResult> {
  const { experiment, options, subset } = context;
  const { model, tokenizer, identity } = context.examined;
  const { qId, seed, scoreKey } = experiment;
  const slot = tokenizer.encode(slotPrompt(experiment.demos)).length - 1;
  const clean = trials.map(({ trial }) => tokenizer.encode(cleanPrompt(trial)));
  context.progress({ stage: 'clean means', done: 0 });
  const means = await cleanMeans(model, clean, options);
  const meanFile = cleanMeanFile(means, model.info, slot);
  await put(context, `stepD_mean_acts/qid_${queryDirectory(qId)}_clean_mean.pt`, meanFile);
  await put(context, 'stepD_mean_acts/global_clean_mean.pt', meanFile);

  const heads = headsOf(model.info, subset);
  const prompts = trials.map(({ prompt }) => prompt);
  const basis = fingerprintOf(identity, clean, prompts, heads, options.reference);
  const kept = checkpointsOf(context, 'sweep', basis);
  const indices = [...trials.keys()];
  const attempt = await attemptOf(context, kept, { stage: 'heads', indices, width: heads.length });
  const sweeps = await sweepTrials(model, prompts, means, heads, options, attempt);
  const scores = headScores(heads, sweeps, means, model.info);
  await putLines(context, 'trial_metrics.jsonl', trialMetrics({ qId, seed, heads, trials, sweeps, slot }));
  await put(context, 'cie_scores.csv', cieScores(qId, scores));
  await put(context, 'aie_scores.csv', aieScores(scores, scoreKey));
  return { means, scores, basis };
}
