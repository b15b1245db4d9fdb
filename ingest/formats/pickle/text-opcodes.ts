import { decodeText, latin1, narrow } from './cursor.ts';
import { corrupt, overLimit } from './errors.ts';

/** Python refuses to parse longer decimal integers by default, too. */
const maxDigits = 4_300;

/** INT: a decimal number, or `00`/`01` for a bool. */
export function parseInt0(line: Uint8Array, at: number): number | bigint | boolean {
  const text = latin1(line);
  if (text === '00') return false;
  if (text === '01') return true;
  return decimal(text, at);
}

/** LONG: a decimal number, usually with an `L` behind it. */
export function parseLong(line: Uint8Array, at: number): number | bigint {
  return decimal(latin1(line).replace(/L$/, ''), at);
}

function decimal(text: string, at: number): number | bigint {
  if (text.length > maxDigits) throw overLimit(`an integer of ${text.length} digits`, at);
  if (!/^-?\d+$/.test(text)) throw corrupt('an integer that is none', at);
  return narrow(BigInt(text));
}

/** FLOAT: Python's repr of a float. */
export function parseFloat0(line: Uint8Array, at: number): number {
  const text = latin1(line);
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (/^[+-]?inf(inity)?$/i.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  throw corrupt('a float that is none', at);
}

/** UNICODE: raw-unicode-escape, where only \uXXXX and \UXXXXXXXX are escapes. */
export function parseUnicode(line: Uint8Array, at: number): string {
  return latin1(line).replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short, long) => {
    const point = Number.parseInt(short ?? long, 16);
    if (point > 0x10ffff) throw corrupt('a character that does not exist', at);
    return String.fromCodePoint(point);
  });
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** STRING: the repr of a Python 2 str; each byte becomes the character of that code. */
export function parseString(line: Uint8Array, at: number): string {
  const text = latin1(line);
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) {
    throw corrupt('a string without quotes', at);
  }
  return text.slice(1, -1).replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/gs, (all, hex, octal, char) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    return escapes[char] ?? all;
  });
}

/** The module or the name in GLOBAL and INST. */
export function parseName(line: Uint8Array, at: number): string {
  return decodeText(line, at);
}
