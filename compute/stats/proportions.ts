import { regularisedBeta } from '../../ingest/stats/index.ts';
import { InvalidArgumentError } from '../../lake/errors.ts';
import { normalQuantile } from './normal.ts';

/** Wilson's (1927) score interval of a share, without continuity correction; 0 to 1 of nothing. */
export function wilsonInterval(
  successes: number,
  trials: number,
  confidence = 0.95,
): { readonly low: number; readonly high: number } {
  if (!(successes >= 0 && successes <= trials))
    throw new InvalidArgumentError(`${successes} successes of ${trials} trials`);
  if (trials === 0) return { low: 0, high: 1 };
  const z = normalQuantile(0.5 + confidence / 2);
  const share = successes / trials;
  const scale = 1 + (z * z) / trials;
  const centre = (share + (z * z) / (2 * trials)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  // Exactly the ends where the share is there.
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === trials ? 1 : Math.min(1, centre + half),
  };
}

/** P(X <= k) of a binomial variable. */
export function binomialCdf(k: number, trials: number, probability: number): number {
  if (k < 0) return 0;
  if (k >= trials) return 1;
  return regularisedBeta(trials - k, k + 1, 1 - probability, probability);
}

/**
 * McNemar's exact test of two classifiers on the same examples: two-sided p-value that as unequal a split of the examples on which
 * exactly one is right comes from a fair coin; 1 when there is none.
 */
export function mcnemarExact(onlyFirstRight: number, onlySecondRight: number): number {
  const trials = onlyFirstRight + onlySecondRight;
  return Math.min(1, 2 * binomialCdf(Math.min(onlyFirstRight, onlySecondRight), trials, 0.5));
}

/** How many examples two classifiers get right together and apart. */
export interface PairedShares {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
}

/**
 * Interval of the difference of two shares of the same examples, the first minus the second: Newcombe (1998), "Improved confidence
 * intervals for the difference between binomial proportions based on paired data", method 10. -1 to 1 of nothing.
 */
export function pairedShareInterval(
  { both, onlyFirst, onlySecond, neither }: PairedShares,
  confidence = 0.95,
): { readonly low: number; readonly high: number } {
  const trials = both + onlyFirst + onlySecond + neither;
  if (trials === 0) return { low: -1, high: 1 };
  const first = wilsonInterval(both + onlyFirst, trials, confidence);
  const second = wilsonInterval(both + onlySecond, trials, confidence);
  const shareOfFirst = (both + onlyFirst) / trials;
  const shareOfSecond = (both + onlySecond) / trials;
  const margins = (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither);
  const product = both * neither - onlyFirst * onlySecond;
  // Corrected for continuity where the shares go together.
  const numerator = product > 0 ? Math.max(product - trials / 2, 0) : product;
  const correlation = margins === 0 ? 0 : numerator / Math.sqrt(margins);
  const half = (x: number, y: number) => Math.sqrt(Math.max(0, x * x - 2 * correlation * x * y + y * y));
  const difference = (onlyFirst - onlySecond) / trials;
  return {
    low: difference - half(shareOfFirst - first.low, second.high - shareOfSecond),
    high: difference + half(first.high - shareOfFirst, shareOfSecond - second.low),
  };
}
