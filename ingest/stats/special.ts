/**
 * Special functions behind the t distribution. Formulas: Abramowitz & Stegun 6.1.40 (Stirling series), DiDonato & Morris
 * (1992) for the incomplete beta as a continued fraction, evaluated after Lentz.
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

/**
 * The fraction of DiDonato & Morris (1992, eq. 9) with I_x(a, b) = x^a y^b / (B(a, b) fraction); y enters by
 * itself, so nothing cancels when x is close to 1.
 */
function betaFraction(a: number, b: number, x: number, y: number): number {
  const lead = a * y - b * x + 1;
  const denominator = (m: number): number =>
    m + (m * (b - m) * x) / (a + 2 * m - 1) + ((a + m) * (lead + m * (1 + y))) / (a + 2 * m + 1);
  let f = (a * lead) / (a + 1) || TINY;
  let c = f;
  let d = 0;
  for (let m = 1; m <= MAX_TERMS; m++) {
    const odd = a + 2 * m - 1;
    const numerator = (((a + m - 1) * (a + b + m - 1)) / odd) * ((m * (b - m) * x * x) / odd);
    const next = denominator(m);
    d = 1 / (next + numerator * d || TINY);
    c = next + numerator / c || TINY;
    const step = c * d;
    f *= step;
    if (Math.abs(step - 1) < 2e-16) break;
  }
  return f;
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
  return b * x <= a * y ? front / betaFraction(a, b, x, y) : 1 - front / betaFraction(b, a, y, x);
}
