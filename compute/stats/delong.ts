import { mean } from '../../ingest/stats/index.ts';
import { InvalidArgumentError } from '../../lake/errors.ts';
import { erfc, normalQuantile } from './normal.ts';

/** Variances and covariances of AUROCs of several methods on the same examples. */
export interface DeLongEstimate {
  readonly aurocs: readonly number[];
  readonly covariance: readonly (readonly number[])[];
}

export interface PairedDeLong {
  /** AUROC of the first minus that of the second. */
  readonly difference: number;
  readonly standardError: number;
  readonly z: number;
  /** Two-sided. */
  readonly pValue: number;
}

/**
 * AUROCs and their covariance matrix after DeLong, DeLong & Clarke-Pearson (1988), by midranks in O(n log n) after Sun & Xu,
 * "Fast Implementation of DeLong's Algorithm" (2014). NaN where a class is absent, or its variance: where it has one member.
 * @throws InvalidArgumentError for scores of another length than the labels
 */
export function delong(methods: readonly ArrayLike<number>[], labels: ArrayLike<number>): DeLongEstimate {
  const components = methods.map((scores) => placements(scores, labels));
  const covariance = components.map((a) =>
    components.map(
      (b) =>
        covarianceOf(a.positives, b.positives) / a.positives.length +
        covarianceOf(a.negatives, b.negatives) / a.negatives.length,
    ),
  );
  return { aurocs: components.map(({ positives }) => mean(positives)), covariance };
}

/** Normal interval of an AUROC, cut to [0, 1], and its test against 0.5. */
export function aurocTest(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  confidence = 0.95,
): {
  readonly auroc: number;
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
  readonly pValue: number;
} {
  const { aurocs, covariance } = delong([scores], labels);
  const auroc = aurocs[0]!;
  const standardError = Math.sqrt(covariance[0]![0]!);
  const half = normalQuantile(0.5 + confidence / 2) * standardError;
  return {
    auroc,
    standardError,
    low: Math.max(0, auroc - half),
    high: Math.min(1, auroc + half),
    pValue: twoSided(auroc - 0.5, standardError).pValue,
  };
}

/** Tests whether two methods that scored the same examples have the same AUROC. */
export function pairedDelong(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  labels: ArrayLike<number>,
): PairedDeLong {
  const { aurocs, covariance } = delong([a, b], labels);
  const variance = covariance[0]![0]! + covariance[1]![1]! - 2 * covariance[0]![1]!;
  // Rounding may leave a little less than nothing of two methods that rank alike.
  const standardError = Math.sqrt(Math.max(0, variance));
  const difference = aurocs[0]! - aurocs[1]!;
  return { difference, standardError, ...twoSided(difference, standardError) };
}

function twoSided(difference: number, standardError: number): { z: number; pValue: number } {
  if (difference === 0 && standardError < 1e-12) return { z: 0, pValue: 1 };
  const z = difference / standardError;
  return { z, pValue: erfc(Math.abs(z) / Math.SQRT2) };
}

/**
 * Of every positive, the share of negatives that it beats (ties count half); of every negative, the share of positives that
 * beat it.
 */
export function placements(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): { readonly positives: Float64Array; readonly negatives: Float64Array } {
  if (scores.length !== labels.length)
    throw new InvalidArgumentError(`${scores.length} scores for ${labels.length} labels`);
  const positives: number[] = [];
  const negatives: number[] = [];
  for (let i = 0; i < labels.length; i++) (labels[i] === 1 ? positives : negatives).push(scores[i]!);
  const together = midranks([...positives, ...negatives]);
  const amongPositives = midranks(positives);
  const amongNegatives = midranks(negatives);
  return {
    positives: amongPositives.map((rank, i) => (together[i]! - rank) / negatives.length),
    negatives: amongNegatives.map(
      (rank, i) => 1 - (together[positives.length + i]! - rank) / positives.length,
    ),
  };
}

/** Rank of each value from 1; equal values share the mean of theirs. */
function midranks(values: readonly number[]): Float64Array {
  const order = Int32Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

function covarianceOf(a: Float64Array, b: Float64Array): number {
  const meanA = mean(a);
  const meanB = mean(b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - meanA) * (b[i]! - meanB);
  return sum / (a.length - 1);
}
