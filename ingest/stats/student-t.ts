import { InvalidArgumentError } from '../../lake/errors.ts';
import { logBeta, regularisedBeta } from './special.ts';

function checkDf(df: number): void {
  if (!(df > 0)) throw new InvalidArgumentError(`degrees of freedom must be positive, got ${df}`);
}

/** P(T > t) for t >= 0. */
function upperTail(t: number, df: number): number {
  const square = t * t;
  return 0.5 * regularisedBeta(df / 2, 0.5, df / (df + square), square / (df + square));
}

/** P(0 < T < t) for t >= 0. */
function centralHalf(t: number, df: number): number {
  const square = t * t;
  return 0.5 * regularisedBeta(0.5, df / 2, square / (df + square), df / (df + square));
}

/** Cumulative distribution function of Student's t with `df` > 0 degrees of freedom (not necessarily whole). */
export function studentTCdf(t: number, df: number): number {
  checkDf(df);
  if (t === Infinity) return 1;
  if (t === -Infinity) return 0;
  if (Math.abs(t) < 0.5) return t < 0 ? 0.5 - centralHalf(-t, df) : 0.5 + centralHalf(t, df);
  return t < 0 ? upperTail(-t, df) : 1 - upperTail(t, df);
}

/** Density of Student's t. */
export function studentTPdf(t: number, df: number): number {
  checkDf(df);
  return Math.exp(-0.5 * (df + 1) * Math.log1p((t * t) / df) - 0.5 * Math.log(df) - logBeta(0.5, df / 2));
}

/**
 * Quantile of Student's t: the t with P(T <= t) = p. Relative accuracy 1e-12 up to a few thousand degrees of
 * freedom, 1e-10 at a million.
 * Safeguarded Newton iteration on ln(probability) as a function of ln(t), where both the centre and the
 * heavy tails are nearly straight lines.
 * @throws InvalidArgumentError unless 0 <= p <= 1 and df > 0
 */
export function studentTQuantile(p: number, df: number): number {
  // Aggregates ask for one quantile thousands of times.
  if (last.p === p && last.df === df) return last.quantile;
  const quantile = solveQuantile(p, df);
  last = { p, df, quantile };
  return quantile;
}

let last = { p: Number.NaN, df: Number.NaN, quantile: Number.NaN };

function solveQuantile(p: number, df: number): number {
  checkDf(df);
  if (!(p >= 0 && p <= 1)) throw new InvalidArgumentError(`a probability lies in [0, 1], got ${p}`);
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  if (p === 0.5) return 0;
  if (p < 0.5) return -positiveQuantile(0.5 - p, p, df);
  return positiveQuantile(p - 0.5, 1 - p, df);
}

/** The t > 0 with P(0 < T < t) = `central` and P(T > t) = `tail`; solves for the smaller of the two. */
function positiveQuantile(central: number, tail: number, df: number): number {
  const useCentral = central < tail;
  const target = Math.log(useCentral ? central : tail);
  const probability = useCentral ? centralHalf : upperTail;
  const direction = useCentral ? 1 : -1;
  let low = Math.log(Number.MIN_VALUE);
  let high = Math.log(Number.MAX_VALUE) / 2;
  let u = 0;
  for (let i = 0; i < 200; i++) {
    const t = Math.exp(u);
    const value = probability(t, df);
    const error = Math.log(value) - target;
    if (error * direction > 0) high = u;
    else low = u;
    const slope = (direction * studentTPdf(t, df) * t) / value;
    let next = u - error / slope;
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (Math.abs(next - u) < 4e-16 * Math.max(1, Math.abs(u))) return Math.exp(next);
    u = next;
  }
  return Math.exp(u);
}
