import type { Output } from '../protocol/output.ts';

/** Digits as PostgreSQL writes the shortest form of a double: an exponent of two digits from 1e15 and below 1e-4. */
export function float8Text(value: number): string {
  const size = Math.abs(value);
  // There JavaScript writes the same.
  if (size >= 1e-4 && size < 1e15) return String(value);
  return floatText(value, 15, value.toExponential());
}

/** The same for a float of 32 bits: the fewest digits that read back as the same float. */
export function float4Text(value: number): string {
  if (!Number.isFinite(value)) return floatText(value, 6, '');
  // Most floats need eight or nine digits; where seven are enough, fewer may be.
  let digits = readsBack(value, 6) ? 0 : 7;
  while (digits < 8 && !readsBack(value, digits)) digits++;
  const shortest = value.toExponential(digits);
  const size = Math.abs(value);
  // As above: of so few digits JavaScript writes no other.
  return size >= 1e-4 && size < 1e6 ? String(Number(shortest)) : floatText(value, 6, shortest);
}

/** Whether so many digits after the first are enough for a float of 32 bits. More are, where fewer are: they are nearer. */
function readsBack(value: number, digits: number): boolean {
  return Math.fround(Number(value.toExponential(digits))) === value;
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
