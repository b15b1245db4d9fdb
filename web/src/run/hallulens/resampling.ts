import type { Interval } from '../../plots/intervals.ts';
import { averagePrecision, type CurvePoint, curveOf, type ScoreGroup } from './scored.ts';

/** Between what the curves of resampled examples lie. */
export interface Bands {
  readonly roc: readonly BandPoint[];
  readonly precision: readonly BandPoint[];
  readonly averagePrecision: Interval;
}

/** The middle 95 % of resampled curves at a false positive rate, or at a recall. */
export interface BandPoint extends Interval {
  readonly at: number;
}

export const RESAMPLES = 400;
/** Groups that are resampled: what a chord between two of them cuts off is far below the width of a band. */
const MOST_RESAMPLED = 500;
const GRID = Array.from({ length: 101 }, (_, i) => i / 100);

/**
 * Pointwise 95 % bands by the Poisson bootstrap (Hanley & MacGibbon 2006): each example counts as often as a Poisson variable
 * of mean 1 says, so that a group of examples takes one draw however large it is. Examples are taken for independent. The
 * same groups give the same bands.
 */
export function bandsOf(groups: readonly ScoreGroup[]): Bands | undefined {
  const coarse = coarser(groups);
  const random = generator(20_060_101);
  const roc = GRID.map(() => [] as number[]);
  const precision = GRID.map(() => [] as number[]);
  const averages: number[] = [];
  for (let i = 0; i < RESAMPLES; i++) {
    const curve = curveOf(
      coarse.map((group) => ({
        ...group,
        positives: poisson(group.positives, random),
        negatives: poisson(group.negatives, random),
      })),
    ).filter(({ precision: defined }) => !Number.isNaN(defined));
    if (curve.length === 0) continue;
    averages.push(averagePrecision(curve));
    sample(curve, roc, precision);
  }
  if (averages.length < RESAMPLES / 2) return undefined;
  return {
    roc: GRID.map((at, i) => ({ at, ...middle(roc[i] ?? []) })),
    // Precision at a recall of nothing is that of the first example, which says nothing.
    precision: GRID.map((at, i) => ({ at, ...middle(precision[i] ?? []) })).slice(1),
    averagePrecision: middle(averages),
  };
}

/** Neighbouring groups together, so that resampling takes a moment whatever the number of scores. */
function coarser(groups: readonly ScoreGroup[]): readonly ScoreGroup[] {
  if (groups.length <= MOST_RESAMPLED) return groups;
  const all = groups.reduce((sum, { positives, negatives }) => sum + positives + negatives, 0);
  const found: ScoreGroup[] = [];
  let [positives, negatives, scores] = [0, 0, 0];
  for (const [i, group] of groups.entries()) {
    positives += group.positives;
    negatives += group.negatives;
    scores += group.scores;
    if (positives + negatives < all / MOST_RESAMPLED && i < groups.length - 1) continue;
    found.push({ score: group.score, positives, negatives, scores });
    [positives, negatives, scores] = [0, 0, 0];
  }
  return found;
}

/** Reads a curve on the grid: the ROC curve between its points, precision at the first point that reaches the recall. */
function sample(curve: readonly CurvePoint[], roc: number[][], precision: number[][]): void {
  let [right, reached] = [0, 0];
  GRID.forEach((at, i) => {
    while (right < curve.length - 1 && (curve[right]?.falsePositiveRate ?? 1) <= at) right++;
    const [low, high] = [curve[Math.max(0, right - 1)], curve[right]];
    if (low !== undefined && high !== undefined) {
      const width = high.falsePositiveRate - low.falsePositiveRate;
      const share = width === 0 ? 1 : Math.min(1, (at - low.falsePositiveRate) / width);
      roc[i]?.push(low.truePositiveRate + share * (high.truePositiveRate - low.truePositiveRate));
    }
    // Recalls are ratios of whole numbers; the grid is not.
    while (reached < curve.length - 1 && (curve[reached]?.truePositiveRate ?? 1) < at - 1e-12) reached++;
    const point = curve[reached];
    if (point !== undefined) precision[i]?.push(point.precision);
  });
}

function middle(values: number[]): Interval {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { low: at(0.025), high: at(0.975) };
}

/** Uniform numbers in [0, 1) from a seed: mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Means from which a Poisson variable is as good as normal. */
const LARGE = 100;

/** A Poisson variable: by multiplication (Knuth), of large means by the normal distribution. */
function poisson(mean: number, random: () => number): number {
  if (mean === 0) return 0;
  if (mean > LARGE) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count++;
  return count;
}
