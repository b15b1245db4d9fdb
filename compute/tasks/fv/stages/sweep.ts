import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';
import type { TokenizedTrial } from '../artifacts/experiment.ts';
import { aieScores, cieScores, trialMetrics } from '../artifacts/score-tables.ts';
import { cleanMeanFile } from '../artifacts/vector-files.ts';
import { fingerprintOf } from '../checkpoints.ts';
import { queryDirectory } from '../relation/query-directory.ts';
import { type HeadScores, headScores } from '../scores/head-scores.ts';
import { cleanMeans } from '../sweep/clean-means.ts';
import { headsOf, sweepTrial, type TrialSweep } from '../sweep/head-sweep.ts';
import { cleanPrompt, slotPrompt } from '../trials/prompts.ts';
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

/** Least time between two writings of what is known of a trial. */
const CHECKPOINT_MS = 5000;

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
  const sweeps = await sweepTrials(context, trials, means, heads, basis);
  const scores = headScores(heads, sweeps, means, model.info);
  await putLines(context, 'trial_metrics.jsonl', trialMetrics({ qId, seed, heads, trials, sweeps, slot }));
  await put(context, 'cie_scores.csv', cieScores(qId, scores));
  await put(context, 'aie_scores.csv', aieScores(scores, scoreKey));
  return { means, scores, basis };
}

async function sweepTrials(
  context: StageContext,
  trials: readonly TokenizedTrial[],
  means: Float32Array,
  heads: readonly HeadPlace[],
  basis: string,
): Promise<TrialSweep[]> {
  const { progress, options, examined } = context;
  const kept = checkpointsOf(context, 'sweep', basis);
  const sweeps: TrialSweep[] = [];
  for (const [index, { prompt }] of trials.entries()) {
    let written = Date.now();
    const told = async (sweep: TrialSweep) => {
      const done = index * heads.length + sweep.patched.length;
      const total = trials.length * heads.length;
      progress({ stage: 'heads', done, total });
      const finished = sweep.patched.length === heads.length;
      if (!finished && Date.now() - written < CHECKPOINT_MS) return;
      await kept.write(index, sweep);
      written = Date.now();
    };
    const known = await kept.read(index);
    sweeps.push(await sweepTrial(examined.model, prompt, means, heads, options, told, known));
  }
  return sweeps;
}
