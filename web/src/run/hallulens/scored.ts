import { type Interval, normalInterval, wilson } from '../../plots/intervals.ts';

/** Examples that have a score, or neighbouring scores, by class. */
export interface ScoreGroup {
  /** The score; the mean of several. */
  readonly score: number;
  /** Hallucinated examples with it. */
  readonly positives: number;
  readonly negatives: number;
  /** How many different scores fell together. */
  readonly scores: number;
}

export interface Totals {
  readonly positives: number;
  readonly negatives: number;
}

export function totalsOf(groups: readonly ScoreGroup[]): Totals {
  let [positives, negatives] = [0, 0];
  for (const group of groups) {
    positives += group.positives;
    negatives += group.negatives;
  }
  return { positives, negatives };
}

/** A threshold at which a curve changes, and what it does to the examples with at least that score. */
export interface CurvePoint {
  readonly threshold: number;
  /** Share of the positives: recall, or true positive rate. */
  readonly truePositiveRate: number;
  readonly falsePositiveRate: number;
  /** Share of positives among them; 1 of nothing. */
  readonly precision: number;
}

/** A point for each group from the highest score down, after one above all; nothing without both classes. */
export function curveOf(groups: readonly ScoreGroup[]): CurvePoint[] {
  const { positives, negatives } = totalsOf(groups);
  if (positives === 0 || negatives === 0) return [];
  const points: CurvePoint[] = [
    { threshold: Number.POSITIVE_INFINITY, truePositiveRate: 0, falsePositiveRate: 0, precision: 1 },
  ];
  let [hits, alarms] = [0, 0];
  for (const group of groups) {
    hits += group.positives;
    alarms += group.negatives;
    points.push({
      threshold: group.score,
      truePositiveRate: hits / positives,
      falsePositiveRate: alarms / negatives,
      precision: hits / (hits + alarms),
    });
  }
  return points;
}

export interface Area extends Interval {
  readonly value: number;
}

/**
 * Area below the ROC curve, ties counted half, with the normal interval of DeLong, DeLong & Clarke-Pearson (1988); undefined
 * without both classes. The interval is NaN where a class has one member.
 */
export function auroc(groups: readonly ScoreGroup[]): Area | undefined {
  const { positives, negatives } = totalsOf(groups);
  if (positives === 0 || negatives === 0) return undefined;
  // Of the positives of a group, the share of negatives that they beat; of its negatives, the share of positives that beat them.
  const placed: { positives: number; negatives: number; beats: number; beaten: number }[] = [];
  let [positivesAbove, negativesAbove] = [0, 0];
  let value = 0;
  for (const group of groups) {
    const beats = 1 - (negativesAbove + group.negatives / 2) / negatives;
    const beaten = (positivesAbove + group.positives / 2) / positives;
    placed.push({ positives: group.positives, negatives: group.negatives, beats, beaten });
    value += (group.positives / positives) * beats;
    positivesAbove += group.positives;
    negativesAbove += group.negatives;
  }
  let [ofPositives, ofNegatives] = [0, 0];
  for (const group of placed) {
    ofPositives += group.positives * (group.beats - value) ** 2;
    ofNegatives += group.negatives * (group.beaten - value) ** 2;
  }
  const variance = ofPositives / (positives - 1) / positives + ofNegatives / (negatives - 1) / negatives;
  return { value, ...normalInterval(value, Math.sqrt(variance)) };
}

/** Average precision: the sum over thresholds of (step of recall x precision), without interpolation. */
export function averagePrecision(curve: readonly CurvePoint[]): number {
  let sum = 0;
  for (const [i, { truePositiveRate, precision }] of curve.entries()) {
    const before = curve[i - 1];
    if (before !== undefined) sum += (truePositiveRate - before.truePositiveRate) * precision;
  }
  return sum;
}

/** Whether scores can be read as probabilities. */
export function areProbabilities(groups: readonly ScoreGroup[]): boolean {
  return groups.every(({ score }) => score >= 0 && score <= 1);
}

export interface ReliabilityBin extends Interval {
  readonly count: number;
  readonly meanScore: number;
  readonly positives: number;
  /** Share of positives, with its Wilson interval. */
  readonly share: number;
}

/** Bins of as equal a number of examples as ties allow, from the lowest score up. */
export function reliabilityBins(groups: readonly ScoreGroup[], bins: number): ReliabilityBin[] {
  const totals = totalsOf(groups);
  const all = totals.positives + totals.negatives;
  const found: ReliabilityBin[] = [];
  let [count, seen, positives, scoreSum] = [0, 0, 0, 0];
  for (const group of groups.toReversed()) {
    const size = group.positives + group.negatives;
    count += size;
    positives += group.positives;
    scoreSum += size * group.score;
    if (seen + count < (all * (found.length + 1)) / bins) continue;
    found.push({
      count,
      meanScore: scoreSum / count,
      positives,
      share: positives / count,
      ...wilson(positives, count),
    });
    seen += count;
    [count, positives, scoreSum] = [0, 0, 0];
  }
  return found;
}

const ECE_BINS = 15;

/** Expected calibration error over 15 bins of equal width, as the metric `ece` has it; NaN without examples. */
export function calibrationError(groups: readonly ScoreGroup[]): number {
  const gaps = new Float64Array(ECE_BINS);
  let all = 0;
  for (const { score, positives, negatives } of groups) {
    const clipped = Math.min(1, Math.max(0, score));
    const count = positives + negatives;
    let bin = Math.min(ECE_BINS - 1, Math.floor(clipped * ECE_BINS));
    // Edges are multiples of the width in floating point; a score that equals one goes to the right of it.
    if (bin > 0 && clipped < bin * (1 / ECE_BINS)) bin--;
    else if (bin < ECE_BINS - 1 && clipped >= (bin + 1) * (1 / ECE_BINS)) bin++;
    gaps[bin] = (gaps[bin] ?? 0) + count * clipped - positives;
    all += count;
  }
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / all;
}
