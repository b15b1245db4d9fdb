import type { HEAD_SCORES } from '../../../../ingest/contracts/fv/head-score.ts';
import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';
import type { ModelInfo } from '../../../model/index.ts';
import { norm } from '../sweep/clean-means.ts';
import type { Reading, TrialSweep } from '../sweep/readings.ts';
import { headMean } from '../vectors/function-vector.ts';
import { mean, populationDeviation } from './moments.ts';

export type HeadScoreName = (typeof HEAD_SCORES)[number];

/** The causal indirect effect of one head: what replacing its output by its clean mean does to the answer's token. */
export interface HeadScores extends HeadPlace {
  readonly trials: number;
  readonly scores: Readonly<Record<HeadScoreName, number>>;
  /** Whether the probability changed by more than 1e-12 in any trial. */
  readonly anyNonzero: boolean;
}

const NONZERO = 1e-12;

/** The scores of each head over the trials, in the order of the heads. */
export function headScores(
  heads: readonly HeadPlace[],
  sweeps: readonly TrialSweep[],
  means: Float32Array,
  sizes: Pick<ModelInfo, 'heads' | 'headDim'>,
): HeadScores[] {
  const base = column(sweeps.map((sweep) => sweep.base));
  return heads.map(({ layer, head }, at) => {
    const patch = column(sweeps.map((sweep) => sweep.patched[at]!));
    const delta = {
      p: differences(patch.p, base.p),
      logit: differences(patch.logit, base.logit),
      logprob: differences(patch.logprob, base.logprob),
    };
    const size = norm(headMean(means, sizes, { layer, head }));
    const scores: Record<HeadScoreName, number> = {
      mean_delta_p: mean(delta.p),
      std_delta_p: populationDeviation(delta.p),
      mean_abs_delta_p: mean(delta.p.map(Math.abs)),
      mean_p_base: mean(base.p),
      std_p_base: populationDeviation(base.p),
      mean_p_patch: mean(patch.p),
      std_p_patch: populationDeviation(patch.p),
      // The contract has the target's columns twice.
      mean_p_base_target: mean(base.p),
      mean_p_patch_target: mean(patch.p),
      mean_delta_p_target: mean(delta.p),
      mean_delta_logit: mean(delta.logit),
      std_delta_logit: populationDeviation(delta.logit),
      mean_abs_delta_logit: mean(delta.logit.map(Math.abs)),
      mean_logit_base: mean(base.logit),
      mean_logit_patch: mean(patch.logit),
      mean_delta_logprob: mean(delta.logprob),
      std_delta_logprob: populationDeviation(delta.logprob),
      mean_abs_delta_logprob: mean(delta.logprob.map(Math.abs)),
      mean_logprob_base: mean(base.logprob),
      mean_logprob_patch: mean(patch.logprob),
      mean_act_norm: size,
      clean_mean_norm: size,
    };
    const anyNonzero = delta.p.some((value) => Math.abs(value) > NONZERO);
    return { layer, head, trials: sweeps.length, scores, anyNonzero };
  });
}

function column(readings: readonly Reading[]): Record<'p' | 'logit' | 'logprob', number[]> {
  return {
    p: readings.map(({ p }) => p),
    logit: readings.map(({ logit }) => logit),
    logprob: readings.map(({ logprob }) => logprob),
  };
}

function differences(values: readonly number[], from: readonly number[]): number[] {
  return values.map((value, i) => value - from[i]!);
}
