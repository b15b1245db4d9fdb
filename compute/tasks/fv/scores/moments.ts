/** Sum in order over count; NaN without values. */
export function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/**
 * Population standard deviation as Python's `statistics.pstdev` gives it: exact sums and a correctly rounded root; 0 for
 * fewer than two values. NaN when a value is not finite.
 */
export function populationDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  if (!values.every(Number.isFinite)) return Number.NaN;
  const parts = values.map(partsOf);
  const exponent = Math.min(...parts.map((part) => part.exponent));
  const whole = parts.map((part) => part.mantissa << BigInt(part.exponent - exponent));
  const count = BigInt(values.length);
  const sum = whole.reduce((total, value) => total + value, 0n);
  const squares = whole.reduce((total, value) => total + value * value, 0n);
  return rootOfRatio(count * squares - sum * sum, count * count, 2 * exponent);
}

/** A finite double as a whole number times a power of two. */
function partsOf(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = biased === 0 ? fraction : fraction | 0x10000000000000n;
  return { mantissa: value < 0 ? -mantissa : mantissa, exponent: Math.max(biased, 1) - 1075 };
}

/** Bits that the root is computed to: more than twice a double's, the last one standing for all that follow. */
const ROOT_BITS = 120;

/** `sqrt(numerator / denominator * 2^exponent)`, rounded once; `exponent` is even. */
function rootOfRatio(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator === 0n) return 0;
  const length = numerator.toString(2).length - denominator.toString(2).length;
  const wanted = 2 * ROOT_BITS - length;
  const shift = wanted + (wanted & 1);
  const scaled =
    shift >= 0 ? (numerator << BigInt(shift)) / denominator : numerator / (denominator << BigInt(-shift));
  const root = squareRoot(scaled);
  // A digit behind the others tells the conversion to a double that they are not all.
  const sticky = root * 2n + (root * root === scaled ? 0n : 1n);
  const power = (exponent - shift) / 2 - 1;
  // In two steps: the power alone may be below the smallest double where the product is not.
  const half = Math.trunc(power / 2);
  return Number(sticky) * 2 ** half * 2 ** (power - half);
}

/** The whole part of a square root, by Newton's method from above. */
function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
