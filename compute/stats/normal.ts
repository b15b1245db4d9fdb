/** The normal distribution. */
import { InvalidArgumentError } from '../../lake/errors.ts';

const SQRT_PI = Math.sqrt(Math.PI);

/** erf(x) for 0 <= x by the series of Abramowitz & Stegun 7.1.6, whose terms are all positive. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / SQRT_PI) * Math.exp(-x * x) * sum;
}

/** erfc(x) for large x by the continued fraction of Abramowitz & Stegun 7.1.14, from the inside out. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let k = 120; k > 0; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / (SQRT_PI * tail);
}

/** Complementary error function; relative error below 1e-12 up to where it underflows. */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (x < 0) return 2 - erfc(-x);
  return x < 1.5 ? 1 - erfSeries(x) : erfcFraction(x);
}

/** P(Z <= z) of a standard normal variable. */
export function normalCdf(z: number): number {
  return erfc(-z / Math.SQRT2) / 2;
}

/**
 * The z with P(Z <= z) = p, by Newton's method on the logarithm of the tail, which is nearly a parabola.
 * @throws InvalidArgumentError unless 0 <= p <= 1
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new InvalidArgumentError(`a probability lies in [0, 1], got ${p}`);
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  if (p > 0.5) return -normalQuantile(1 - p);
  let z = -Math.sqrt(Math.max(0, -2 * Math.log(2 * p)));
  for (let i = 0; i < 60; i++) {
    const cdf = normalCdf(z);
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    const step = ((Math.log(cdf) - Math.log(p)) * cdf) / density;
    z -= step;
    if (Math.abs(step) <= 1e-15 * Math.max(1, Math.abs(z))) break;
  }
  return z;
}
