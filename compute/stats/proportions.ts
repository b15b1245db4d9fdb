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
