import { pythonFloat } from '../../../ingest/formats/python-float.ts';

/** A number that Python has as a float; whole ones are written with `.0`. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** What `json.dumps` takes. A whole `number` is an int, any other a float. */
export type PythonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Float
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue };

/** A number as a float. */
export function float(value: number): Float {
  return new Float(value);
}

/** Members as floats. */
export function floats<K extends string>(members: Readonly<Record<K, number>>): Record<K, Float> {
  // `fromEntries` forgets which keys it was given.
  return Object.fromEntries(
    Object.entries<number>(members).map(([key, value]) => [key, float(value)]),
  ) as Record<K, Float>;
}

/**
 * The text of Python's `json.dumps`, byte for byte: everything beyond ASCII escaped, floats as `repr` has them, NaN and
 * infinities as JavaScript spells them.
 * @param indent spaces a level; without it all is one line
 */
export function pythonJson(value: PythonValue, indent?: number): string {
  return text(value, indent, '\n');
}

/** @param newline line end and indentation of the level that `value` is on */
function text(value: PythonValue, indent: number | undefined, newline: string): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : floatText(value);
  if (value instanceof Float) return floatText(value.value);
  const inner = indent === undefined ? '' : newline + ' '.repeat(indent);
  const [separator, end] = indent === undefined ? [', ', ''] : [`,${inner}`, newline];
  const below = (item: PythonValue) => text(item, indent, inner);
  if (isList(value)) {
    return value.length === 0 ? '[]' : `[${inner}${value.map(below).join(separator)}${end}]`;
  }
  const members = Object.entries(value).map(([key, item]) => `${quoted(key)}: ${below(item)}`);
  return members.length === 0 ? '{}' : `{${inner}${members.join(separator)}${end}}`;
}

/** `Array.isArray` does not know readonly arrays. */
function isList(value: object): value is readonly PythonValue[] {
  return Array.isArray(value);
}

function floatText(value: number): string {
  return Number.isFinite(value) ? pythonFloat(value) : String(value);
}

/** What JSON.stringify leaves as it is and Python escapes: DEL too is left by both. */
function quoted(value: string): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Python's `repr` of a text. */
export function pythonRepr(value: string): string {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const escaped = Array.from(value, (char) => escapedChar(char, quote)).join('');
  return quote + escaped + quote;
}

const NAMED: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Separators, controls and what has no character are not printable in Python; a plain space is. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

function escapedChar(char: string, quote: string): string {
  if (char === quote) return `\\${char}`;
  const named = NAMED[char];
  if (named !== undefined) return named;
  if (char === ' ' || !UNPRINTABLE.test(char)) return char;
  const code = char.codePointAt(0)!.toString(16);
  if (code.length <= 2) return `\\x${code.padStart(2, '0')}`;
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
}
