/**
 * Rounds as Python's `round(value, digits)`: to the nearest decimal of the double's exact value, ties to even.
 * @param digits 0 to 15
 */
export function pythonRound(value: number, digits: number): number {
  // The sign of zero stays, too.
  if (value === 0) return value;
  // A double is a tie iff it is an odd multiple of 2^-(digits + 1); toFixed rounds those away from zero.
  const halves = value * 2 ** (digits + 1);
  const scaled = (Math.abs(halves) * 5 ** digits) / 2;
  if (Number.isInteger(halves) && halves % 2 !== 0 && scaled < 2 ** 52) {
    const below = Math.floor(scaled);
    const even = below % 2 === 0 ? below : below + 1;
    return Math.sign(value) * Number(`${even}e-${digits}`);
  }
  return Number(value.toFixed(digits));
}
