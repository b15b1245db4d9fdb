import type { Output } from '../protocol/output.ts';
import { MINUS, POWERS_OF_TEN, writeDecimal } from './digits.ts';

/** The shortest digits that read back as the same double, with an exponent of two digits from 1e15 and below 1e-4. */
export function float8Text(value: number): string {
  const size = Math.abs(value);
  // There JavaScript writes the same.
  if ((size >= 1e-4 && size < 1e15) || Object.is(value, 0)) return String(value);
  let shortest = value.toExponential();
  for (let digits = 0; isHalfway(size, shortest); digits++) shortest = value.toExponential(digits);
  return floatText(value, 15, shortest);
}

/**
 * Whether a decimal lies in the middle between a double and the next. JavaScript takes such a decimal for the double whose
 * last bit is even, PostgreSQL none (STRICTLY_SHORTEST in its common/d2s.c).
 */
function isHalfway(value: number, decimal: string): boolean {
  // Elsewhere so few digits cannot say where the middle is.
  if (!(value >= 2 ** 53 && value < 1e40)) return false;
  const exact = integerOf(decimal);
  const away = exact < BigInt(value) ? -1n : 1n;
  return Number(2n * exact + away) !== 2 * value;
}

/** Writes what `float8Text` says. */
export function writeFloat8(out: Output, value: number): void {
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e6) {
    const digits = Math.round(size * 1e9);
    // No two decimals of 15 digits are the same double, so this one is the shortest but for the zeros at its end.
    if (digits / 1e9 === size) {
      if (value < 0) out.uint8(MINUS);
      writeDecimal(out, digits, 9);
      return;
    }
  }
  out.text(float8Text(value));
}

/** The integer that is written as `1.25e+20`. */
function integerOf(exponential: string): bigint {
  const [mantissa = '', power = ''] = exponential.replace('-', '').split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return BigInt(whole + fraction) * 10n ** BigInt(Number(power) - fraction.length);
}

/** The same for a float of 32 bits, with an exponent from 1e6. */
export function float4Text(value: number): string {
  if (Object.is(value, 0)) return '0';
  if (!Number.isFinite(value) || value === 0) return floatText(value, 6, '');
  return floatText(value, 6, `${value < 0 ? '-' : ''}${shortestFloat4(Math.abs(value))}`);
}

/** Writes what `float4Text` says. */
export function writeFloat4(out: Output, value: number): void {
  const size = Math.abs(value);
  if (!(size >= 1e-4 && size < 1e6)) {
    out.text(float4Text(value));
    return;
  }
  let decimals = 0;
  while (size < SIX_DIGITS[decimals]!) decimals++;
  for (; ; decimals++) {
    const scale = POWERS_OF_TEN[decimals]!;
    // Exact: 24 bits of a float times at most 28 of a power of five.
    const digits = roundToEven(size * scale);
    if (Math.fround(digits / scale) === size) {
      if (value < 0) out.uint8(MINUS);
      writeDecimal(out, digits, decimals);
      return;
    }
  }
}

/** Numbers from which on so many decimals (the index) make six digits. Fewer never tell two floats apart, nine always do. */
const SIX_DIGITS = [1e5, 1e4, 1e3, 1e2, 1e1, 1, 1e-1, 1e-2, 1e-3, 1e-4];

function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && (rounded & 1) === 1 ? rounded - 1 : rounded;
}

/** Middles between a positive float and its neighbours: exact, because a double has more digits. */
function surroundings(value: number): [from: number, to: number] {
  const [bits = 0] = new Uint32Array(Float32Array.of(value).buffer);
  const exponent = Math.max(bits >> 23, 1);
  const half = 2 ** (exponent - 151);
  const isPowerOfTwo = (bits & 0x7f_ffff) === 0 && exponent > 1;
  return [value - (isPowerOfTwo ? half / 2 : half), value + half];
}

/** The fewest digits that read back as the same positive float, the nearest of them, with an exponent. */
function shortestFloat4(value: number): string {
  // More digits than decide whether what is beyond the ninth is a half.
  const [mantissa = '', power = '0'] = value.toExponential(20).split('e');
  const all = mantissa.replace('.', '');
  const [from, to] = surroundings(value);
  for (let count = 1; count <= 9; count++) {
    const below = Number(all.slice(0, count));
    const rest = Number(`0.${all.slice(count)}`);
    const up = rest > 0.5 || (rest === 0.5 && (below & 1) === 1);
    // Above a power of two floats lie twice as far apart as below it: what is not the nearest may read back all the same.
    for (const digits of up ? [below + 1, below] : [below, below + 1]) {
      const candidate = Number(`${digits}e${Number(power) - count + 1}`);
      if (candidate > from && candidate < to) return candidate.toExponential();
    }
  }
  return value.toExponential(8);
}

function floatText(value: number, widest: number, exponential: string): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', power = '0'] = exponential.split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= widest) {
    const size = Math.abs(exponent);
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${size < 10 ? `0${size}` : size}`;
  }
  const negative = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (exponent < 0) return `${negative}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return negative + digits.padEnd(exponent + 1, '0');
  return `${negative}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/** An integer of `scale` decimals. */
export function decimalText(value: bigint, scale: number): string {
  if (scale === 0) return String(value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const NEGATIVE = 0x4000;
const NOT_A_NUMBER = 0xc000;

/**
 * PostgreSQL's binary numeric: groups of four decimal digits, the weight of the first, a sign and a scale.
 * Source: numeric_send in PostgreSQL's utils/adt/numeric.c.
 */
export function writeNumeric(out: Output, text: string): void {
  const negative = text.startsWith('-');
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const padded =
    whole.padStart(Math.ceil(whole.length / 4) * 4, '0') +
    fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0');
  const groups = (padded.match(/.{4}/g) ?? []).map(Number);
  let weight = Math.ceil(whole.length / 4) - 1;
  while (groups.length > 0 && groups[0] === 0) {
    groups.shift();
    weight--;
  }
  while (groups.at(-1) === 0) groups.pop();
  out.int16(groups.length);
  out.int16(groups.length === 0 ? 0 : weight);
  out.uint16(negative && groups.length > 0 ? NEGATIVE : 0);
  out.int16(fraction.length);
  for (const group of groups) out.int16(group);
}

/** The text of a binary numeric; undefined when the bytes are none. */
export function readNumeric(bytes: Buffer): string | undefined {
  if (bytes.length < 8) return undefined;
  const count = bytes.readInt16BE(0);
  const weight = bytes.readInt16BE(2);
  const sign = bytes.readUInt16BE(4);
  const scale = bytes.readInt16BE(6);
  if (sign === NOT_A_NUMBER) return 'NaN';
  if (count < 0 || scale < 0 || bytes.length !== 8 + count * 2) return undefined;
  const group = (i: number) =>
    i >= 0 && i < count ? String(bytes.readInt16BE(8 + i * 2)).padStart(4, '0') : '0000';
  let whole = '';
  for (let i = 0; i <= weight; i++) whole += group(i);
  let fraction = '';
  for (let i = weight + 1; fraction.length < scale; i++) fraction += group(i);
  const digits = whole.replace(/^0+(?=\d)/, '') || '0';
  return `${sign === NEGATIVE ? '-' : ''}${digits}${scale > 0 ? `.${fraction.slice(0, scale)}` : ''}`;
}
