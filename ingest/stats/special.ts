/**
 * Special functions behind the t distribution. Formulas: Abramowitz & Stegun 6.1.40 (Stirling series), 26.5.8
 * (incomplete beta as a continued fraction); evaluation of the fraction after Lentz.
 */

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
const STIRLING_FROM = 16;

// B(2k) / (2k (2k - 1)), k = 1..8.
const STIRLING = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360360,
  1 / 156,
  -3617 / 122400,
] as const;

/** ln Γ(x) - ((x - 1/2) ln x - x + ln(2π)/2) for x >= 16: the part that does not grow. */
function stirlingTail(x: number): number {
  const inverseSquare = 1 / (x * x);
  let sum = 0;
  for (let k = STIRLING.length - 1; k >= 0; k--) sum = sum * inverseSquare + STIRLING[k]!;
  return sum / x;
}

/** x (x + 1) … up to below 16, and where that ended: Γ(x) = Γ(shifted) / product. */
function shiftUp(x: number): { readonly product: number; readonly shifted: number; readonly steps: number } {
  let product = 1;
  let shifted = x;
  let steps = 0;
  for (; shifted < STIRLING_FROM; steps++) product *= shifted++;
  return { product, shifted, steps };
}

/** ln B(a, b) for a, b > 0; the large terms cancel on paper, not in floating point. */
export function logBeta(a: number, b: number): number {
  const p = shiftUp(Math.min(a, b));
  const q = shiftUp(Math.max(a, b));
  const sum = p.shifted + q.shifted;
  const large =
    HALF_LOG_TWO_PI -
    0.5 * Math.log(q.shifted) +
    (p.shifted - 0.5) * Math.log(p.shifted / sum) +
    q.shifted * Math.log1p(-p.shifted / sum) +
    (stirlingTail(p.shifted) + stirlingTail(q.shifted) - stirlingTail(sum));
  // Γ(a + b) = Γ(sum) / ((a + b) (a + b + 1) …): shifting both arguments shifted their sum by whole steps.
  let logRising = 0;
  for (let step = 0; step < p.steps + q.steps; step++) logRising += Math.log(a + b + step);
  return large + logRising - Math.log(p.product) - Math.log(q.product);
}

const TINY = 1e-300;
const MAX_TERMS = 1_000_000;

function betaFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  d = 1 / (Math.abs(d) < TINY ? TINY : d);
  let h = d;
  for (let m = 1; m <= MAX_TERMS; m++) {
    const m2 = 2 * m;
    const even = (m * (b - m) * x) / ((a + m2 - 1) * (a + m2));
    d = 1 + even * d;
    c = 1 + even / c;
    d = 1 / (Math.abs(d) < TINY ? TINY : d);
    if (Math.abs(c) < TINY) c = TINY;
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + m2) * (a + m2 + 1));
    d = 1 + odd * d;
    c = 1 + odd / c;
    d = 1 / (Math.abs(d) < TINY ? TINY : d);
    if (Math.abs(c) < TINY) c = TINY;
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return h;
}

/**
 * Regularised incomplete beta function I_x(a, b), a, b > 0. `y` is 1 - x, passed separately because the
 * caller often knows it more exactly than subtraction gives.
 */
export function regularisedBeta(a: number, b: number, x: number, y: number = 1 - x): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const logX = x < 0.5 ? Math.log(x) : Math.log1p(-y);
  const logY = y < 0.5 ? Math.log(y) : Math.log1p(-x);
  const front = Math.exp(a * logX + b * logY - logBeta(a, b));
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(a, b, x)) / a
    : 1 - (front * betaFraction(b, a, y)) / b;
}
