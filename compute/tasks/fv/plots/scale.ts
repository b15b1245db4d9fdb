/** A straight line from values to pixels. */
export type Scale = (value: number) => number;

/** Maps `[low, high]` to `[from, to]`; an interval of no length to the middle. */
export function linearScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): Scale {
  const span = high - low;
  return (value) => (span === 0 ? (from + to) / 2 : from + ((value - low) / span) * (to - from));
}

/** Round numbers 1, 2 or 5 times a power of ten apart, the outer ones not inside `low` and `high`. @param high above `low` */
export function niceTicks(low: number, high: number, { count = 5, leastStep = 0 } = {}): number[] {
  const rough = Math.max((high - low) / count, leastStep);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (STEPS.find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  // Whole multiples of a step: sums would drift away from round numbers.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const STEPS = [1, 2, 5];

/** Every n-th of the numbers 0 to `count` - 1, some dozen at most. */
export function indexTicks(count: number, most = 16): number[] {
  const step = [1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100].find((every) => count / every <= most) ?? 1000;
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
}

/** A number for an axis: three digits are what a plot can show. */
export function tickLabel(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const digits = size < 1e-4 || size >= 1e6 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  return digits.replace('e+', 'e').replaceAll('-', '\u2212');
}
