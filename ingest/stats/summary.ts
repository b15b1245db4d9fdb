import { studentTQuantile } from './student-t.ts';

/** Mean of repeated measurements (seeds) with its uncertainty. */
export interface SampleSummary {
  readonly n: number;
  /** NaN without values. */
  readonly mean: number;
  /** Sample standard deviation (n - 1 in the denominator); NaN for n < 2. */
  readonly sd: number;
  /** Standard error of the mean, sd / sqrt(n); NaN for n < 2. */
  readonly sem: number;
  /** Half width of the two-sided Student t interval; NaN for n < 2, where no interval exists. */
  readonly halfWidth: number;
}

/** Sum with Neumaier's compensation: the error does not grow with the number of values. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  // Infinite values make the compensation NaN although the sum is well defined.
  return Number.isNaN(lost) ? total : total + lost;
}

/** Arithmetic mean; NaN without values. */
export function mean(values: ArrayLike<number>): number {
  return sum(values) / values.length;
}

/** Sample standard deviation with n - 1 in the denominator; NaN for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return Number.NaN;
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/** Mean, spread and the two-sided Student t interval `mean ± halfWidth` at the given confidence. */
export function summarise(values: ArrayLike<number>, confidence = 0.95): SampleSummary {
  const n = values.length;
  const sd = standardDeviation(values);
  const sem = sd / Math.sqrt(n);
  const halfWidth = n < 2 ? Number.NaN : sem * studentTQuantile(0.5 + confidence / 2, n - 1);
  return { n, mean: mean(values), sd, sem, halfWidth };
}
