/** Normal quantile of the benchmark's 95 % intervals. */
export const WILSON_Z = 1.96;

/** Families with fewer items than this are shown with an interval. */
export const LOW_SUPPORT = 100;

/**
 * Wilson's score interval of a proportion, within [0, 1]; (0, 0) without observations.
 * Wilson, E. B. (1927): Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
 */
export function wilsonInterval(successes: number, n: number, z = WILSON_Z): readonly [number, number] {
  if (n === 0) return [0, 0];
  const p = successes / n;
  const square = z * z;
  const denominator = 1 + square / n;
  const centre = (p + square / (2 * n)) / denominator;
  const margin = (z * Math.sqrt((p * (1 - p)) / n + square / (4 * n * n))) / denominator;
  return [Math.max(0, centre - margin), Math.min(1, centre + margin)];
}
