/**
 * Blue over white to red, whose ends and sides also those tell apart who see no red or no green (the anchors of ColorBrewer's
 * RdBu).
 */
const DIVERGING = [
  [5, 48, 97],
  [33, 102, 172],
  [67, 147, 195],
  [146, 197, 222],
  [209, 229, 240],
  [247, 247, 247],
  [253, 219, 199],
  [244, 165, 130],
  [214, 96, 77],
  [178, 24, 43],
  [103, 0, 31],
] as const;

/** Colours of series (Okabe and Ito), which differ in lightness too. */
export const SERIES = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

/** @param place -1 (blue) over 0 (white) to 1 (red); beyond that the ends */
export function diverging(place: number): string {
  const at = ((Math.min(1, Math.max(-1, place)) + 1) / 2) * (DIVERGING.length - 1);
  const low = Math.min(Math.floor(at), DIVERGING.length - 2);
  const [from, to] = [DIVERGING[low]!, DIVERGING[low + 1]!];
  const mixed = from.map((value, i) => Math.round(value + (at - low) * (to[i]! - value)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * A symmetric logarithm about zero: linear up to `threshold`, as wide as one decade there, logarithmic beyond.
 * @see matplotlib's SymLogNorm with linscale 1 and base 10
 */
export interface SymmetricScale {
  readonly threshold: number;
  /** Size whose place is 1. */
  readonly limit: number;
  /** Whether some scores lie beyond the limit, and have its colour. */
  readonly exceeded: boolean;
  /** -1 to 1, zero at 0; beyond the limit more than that. */
  place(value: number): number;
}

/**
 * The scale of scores: linear up to the 20th percentile of the sizes of those that are not zero, up to their 99th percentile, the same on
 * both sides, so that white is no effect. Undefined when all are zero.
 */
export function symmetricScale(scores: readonly number[]): SymmetricScale | undefined {
  const sizes = scores
    .map(Math.abs)
    .filter((size) => Number.isFinite(size) && size > 0)
    .sort((a, b) => a - b);
  if (sizes.length === 0) return undefined;
  const [threshold, limit] = [percentile(sizes, 0.2), percentile(sizes, 0.99)];
  const scaled = (value: number) => {
    const size = Math.abs(value);
    const inner = 1 / (1 - 1 / 10);
    const moved = size <= threshold ? (size / threshold) * inner : inner + Math.log10(size / threshold);
    return Math.sign(value) * moved;
  };
  return {
    threshold,
    limit,
    exceeded: sizes.at(-1)! > limit,
    place: (value) => scaled(value) / scaled(limit),
  };
}

/** Linear between the two values next to the place, as numpy's default. @param sorted not empty */
function percentile(sorted: readonly number[], part: number): number {
  const place = part * (sorted.length - 1);
  const low = sorted[Math.floor(place)]!;
  return low + (place - Math.floor(place)) * (sorted[Math.ceil(place)]! - low);
}
