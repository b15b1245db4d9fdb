import type { Output } from '../protocol/output.ts';

/** Decimal digits that are taken from a number at once, such that they are an integer of 32 bits. */
const PIECE = 9;
const PIECE_SIZE = 1e9;
const POINT = 0x2e;
export const MINUS = 0x2d;
/** 1, 10, …: as literals, because a power may be computed inexactly. */
export const POWERS_OF_TEN = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/** Writes a safe integer. */
export function writeInteger(out: Output, value: number): void {
  if (value < 0) out.uint8(MINUS);
  const size = Math.abs(value);
  if (size < PIECE_SIZE) out.digits(size, digitCount(size));
  else {
    const high = Math.floor(size / PIECE_SIZE);
    out.digits(high, digitCount(high));
    out.digits(size - high * PIECE_SIZE, PIECE);
  }
}

/** Writes `digits / 10^decimals` without zeros at its end. Of `digits`, a positive integer, there are 15 at most; `decimals` is 12 at most. */
export function writeDecimal(out: Output, digits: number, decimals: number): void {
  const scale = POWERS_OF_TEN[decimals]!;
  const whole = Math.floor(digits / scale);
  writeInteger(out, whole);
  const fraction = digits - whole * scale;
  if (fraction === 0) return;
  out.uint8(POINT);
  if (decimals <= PIECE) {
    writeFraction(out, fraction, decimals);
    return;
  }
  const low = POWERS_OF_TEN[decimals - PIECE]!;
  const high = Math.floor(fraction / low);
  const rest = fraction - high * low;
  if (rest === 0) writeFraction(out, high, PIECE);
  else {
    out.digits(high, PIECE);
    writeFraction(out, rest, decimals - PIECE);
  }
}

/** Writes so many decimal places (9 at most) of a fraction that is not zero, without zeros at their end. */
export function writeFraction(out: Output, digits: number, places: number): void {
  let [left, count] = [digits, places];
  while (left % 10 === 0) {
    left /= 10;
    count--;
  }
  out.digits(left, count);
}

function digitCount(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count++;
  return count;
}
