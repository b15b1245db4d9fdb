/** The normal quantile of 97.5 %. */
const Z = 1.959963984540054;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Wilson's (1927) score interval of a share, 95 %, without continuity correction; 0 to 1 of nothing. */
export function wilson(successes: number, trials: number): Interval {
  if (trials === 0) return { low: 0, high: 1 };
  const share = successes / trials;
  const scale = 1 + (Z * Z) / trials;
  const centre = (share + (Z * Z) / (2 * trials)) / scale;
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / trials + (Z * Z) / (4 * trials * trials));
  // Exactly the ends where the share is there.
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === trials ? 1 : Math.min(1, centre + half),
  };
}

/** A normal interval, 95 %, of something between 0 and 1. */
export function normalInterval(value: number, standardError: number): Interval {
  return { low: Math.max(0, value - Z * standardError), high: Math.min(1, value + Z * standardError) };
}
