import type { HeadScoreName } from '../scores/head-scores.ts';

const QUANTITIES: Readonly<Record<string, string>> = {
  p: 'probability of the answer',
  logit: 'logit of the answer',
  logprob: 'log-probability of the answer (nats)',
};

const NORMS: Readonly<Record<string, string>> = {
  mean_act_norm: "norm of the head's mean output",
  clean_mean_norm: "norm of the head's mean output",
};

/** A score in words, with its unit: `mean change in the probability of the answer`. */
export function scoreLabel(score: HeadScoreName): string {
  const [, how = 'mean', delta, name = '', of] =
    /^(mean_abs|mean|std)_(delta_)?(p|logit|logprob)(_base|_patch)?/.exec(score) ?? [];
  const quantity = QUANTITIES[name];
  if (quantity === undefined) return NORMS[score] ?? score;
  const statistic = { mean: 'mean', std: 'standard deviation of the', mean_abs: 'mean absolute' }[how] ?? how;
  const prompt =
    of === '_base'
      ? ', corrupted prompt'
      : of === '_patch'
        ? ', corrupted prompt with the head replaced'
        : '';
  return `${statistic} ${delta === undefined ? '' : 'change in the '}${quantity}${prompt}`;
}
