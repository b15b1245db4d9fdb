/** A number and its uncertainty as they are printed: decimal digits, maybe with an exponent. */
export interface Rounded {
  readonly value: string;
  readonly half: string | undefined;
}

/** Digits of a number without an interval. */
const DIGITS = 3;
/** Magnitudes between which numbers are written without an exponent. */
const [SMALL, LARGE] = [1e-4, 1e6];

/** A mean with as many decimals as its half-width has with two significant digits, as papers print them. */
export function rounded(value: number | null, half: number | null): Rounded | undefined {
  if (value === null) return undefined;
  const size = Math.max(Math.abs(value), half ?? 0);
  if (size !== 0 && (size < SMALL || size >= LARGE)) {
    return {
      value: value.toExponential(DIGITS - 1),
      half: half === null ? undefined : half.toExponential(1),
    };
  }
  if (half === null || half === 0) {
    const plain = Number.isInteger(value) ? String(value) : decimals(value, DIGITS, value);
    return { value: plain, half: half === null ? undefined : '0' };
  }
  return { value: decimals(value, 2, half), half: decimals(half, 2, half) };
}

/** A number with the decimals that give another one so many significant digits. */
function decimals(value: number, digits: number, of: number): string {
  const places = digits - 1 - Math.floor(Math.log10(Math.abs(of)));
  return value.toFixed(Math.min(20, Math.max(0, places)));
}
