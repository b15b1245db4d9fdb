import type { Drawing } from '../../plots/drawing.ts';
import { drawHeads } from '../../run/fv/heads.ts';
import { drawInjections } from '../../run/fv/injections.ts';
import { measured } from '../../ui/format.ts';
import type { InjectedTrial, PatchedTrial } from './injected.ts';

/** Heads that are named beside the plot. */
const TOP = 10;

/** The log-probability of one answer with each vector added, by block; the plot of a run with one example for its mean. */
export function injectionDrawing(trials: readonly InjectedTrial[]): Drawing | undefined {
  const rows = trials.map(({ layer, vectorKind, querySet, ...trial }) => ({
    layer,
    vectorKind,
    querySet,
    accBase: trial.accuracyBase,
    accWith: trial.accuracyWith,
    meanPBase: trial.pBase,
    meanPWith: trial.pWith,
    meanLogprobBase: trial.logprobBase,
    meanLogprobWith: trial.logprobWith,
    nEval: 1,
  }));
  const drawing = drawInjections(rows, 'logprob', undefined);
  return (
    drawing && {
      ...drawing,
      title: 'Log-probability of the answer',
      description: 'With a vector added behind each block; dotted: nothing added.',
    }
  );
}

/** The heads that restore an answer most when their clean mean is put into the corrupted prompt. */
export function topTrials(trials: readonly PatchedTrial[]): PatchedTrial[] {
  return trials
    .filter(({ deltaP }) => deltaP !== null)
    .toSorted((a, b) => (b.deltaP ?? 0) - (a.deltaP ?? 0) || a.layer - b.layer || a.head - b.head)
    .slice(0, TOP);
}

/** What patching each head does to one answer. */
export function headDrawing(trials: readonly PatchedTrial[]): Drawing | undefined {
  if (trials.length === 0) return undefined;
  const layers = Math.max(...trials.map(({ layer }) => layer)) + 1;
  const heads = Math.max(...trials.map(({ head }) => head)) + 1;
  const matrix = Array.from({ length: layers }, () => Array<number | null>(heads).fill(null));
  for (const { layer, head, deltaP } of trials) {
    const row = matrix[layer];
    if (row !== undefined) row[head] = deltaP;
  }
  const top = topTrials(trials);
  const topHeads = top.map(({ layer, head, deltaP }, i) => ({
    rank: i + 1,
    layer,
    head,
    score: deltaP,
    selected: null,
    tied: false,
  }));
  const missing = matrix.flat().filter((value) => value === null).length;
  const drawing = drawHeads(
    { fvHeatmap: { layers, heads, missing, matrix, boundaryGap: null, topHeads } },
    'mean_delta_p',
  );
  const [first] = top;
  return (
    drawing && {
      ...drawing,
      title: 'Indirect effect of the heads on this trial',
      description: `Change of the probability of the right answer with the clean mean of one head in the corrupted prompt${
        first ? `; most: block ${first.layer} head ${first.head} with ${measured(first.deltaP)}` : ''
      }.`,
    }
  );
}
