import type { JsonOptions, ParsedJson } from './parse.ts';
import {
  JsonError,
  type JsonNote,
  type JsonNoteCode,
  type JsonObject,
  type JsonValue,
  pointer,
} from './value.ts';

/** Python refuses longer integers by default; parsing one takes time quadratic in its length. */
const MAX_INTEGER_DIGITS = 4300;
/** More notes than this about one text help nobody and would let a hostile one fill the memory. */
const MAX_NOTES = 1000;
const DEPTH = 200;

const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const constants: readonly (readonly [string, JsonValue])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
];
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** The exact parser behind `parseJson`: slower than `JSON.parse`, loses nothing, knows where it is. */
export function parseExact(text: string, options: JsonOptions): ParsedJson {
  const maxDepth = options.maxDepth ?? DEPTH;
  const path: (string | number)[] = [];
  const found: Found[] = [];
  let at = 0;

  function note(code: JsonNoteCode, offset: number, message: string): void {
    if (found.length < MAX_NOTES) found.push({ code, message, offset, pointer: pointer(path) });
  }

  function fail(what: string, offset = at, subcode: 'BAD_JSON' | 'LIMIT' = 'BAD_JSON'): never {
    const { line, column } = positions(text, [offset], options.firstLine ?? 1)[0]!;
    const { file } = options;
    throw new JsonError(subcode, `${file ?? 'JSON text'}: line ${line}, column ${column}: ${what}`, {
      where: { line, pointer: pointer(path), ...(file === undefined ? {} : { file }) },
      column,
      expected:
        subcode === 'LIMIT' ? `at most ${maxDepth} levels` : "JSON as written by Python's json module",
    });
  }

  function unexpected(): string {
    return at >= text.length
      ? 'the text ends'
      : `unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))}`;
  }

  function skipSpace(): number {
    let code = text.charCodeAt(at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at);
    return code;
  }

  function readValue(): JsonValue {
    const code = skipSpace();
    if (code === 0x22) return readString();
    if (code === 0x7b) return readObject();
    if (code === 0x5b) return readArray();
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      number.lastIndex = at;
      const match = number.exec(text);
      if (match !== null) return toNumber(match[0], match[1] === undefined && match[2] === undefined);
    }
    for (const [word, value] of constants) {
      if (!text.startsWith(word, at)) continue;
      if (typeof value === 'number') note('NON_FINITE', at, `${word} is not JSON`);
      at += word.length;
      return value;
    }
    return fail(`${unexpected()} where a value should be`);
  }

  function toNumber(digits: string, integer: boolean): number | bigint {
    const value = Number(digits);
    if (integer && !Number.isSafeInteger(value)) {
      if (digits.length > MAX_INTEGER_DIGITS) fail(`an integer of ${digits.length} digits`, at, 'LIMIT');
      at += digits.length;
      return BigInt(digits);
    }
    if (!Number.isFinite(value)) note('NON_FINITE', at, `${digits.slice(0, 40)} is too large for a double`);
    at += digits.length;
    return value;
  }

  function readString(): string {
    const start = at++;
    let out = '';
    let escaped = false;
    while (true) {
      const from = at;
      let code = text.charCodeAt(at);
      while (code !== 0x22 && code !== 0x5c && code >= 0x20) code = text.charCodeAt(++at);
      out += text.slice(from, at);
      if (code === 0x22) break;
      if (code !== 0x5c)
        fail(at >= text.length ? 'the text ends inside a string' : 'a control character inside a string');
      out += readEscape();
      escaped = true;
    }
    at++;
    if (escaped && !out.isWellFormed()) note('LONE_SURROGATE', start, 'half of a surrogate pair');
    return out;
  }

  function readEscape(): string {
    const letter = text.charAt(at + 1);
    if (letter === 'u') {
      const hex = text.slice(at + 2, at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) fail('a \\u escape without four hexadecimal digits');
      at += 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const character = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (character === undefined) fail(letter === '' ? 'the text ends inside a string' : 'an unknown escape');
    at += 2;
    return character;
  }

  function enter(): void {
    if (path.length >= maxDepth) fail(`nested deeper than ${maxDepth} levels`, at, 'LIMIT');
    at++;
  }

  function readArray(): JsonValue[] {
    enter();
    const out: JsonValue[] = [];
    if (skipSpace() === 0x5d) {
      at++;
      return out;
    }
    while (true) {
      path.push(out.length);
      out.push(readValue());
      path.pop();
      const code = skipSpace();
      if (code !== 0x2c && code !== 0x5d) fail(`${unexpected()} where "," or "]" should be`);
      at++;
      if (code === 0x5d) return out;
    }
  }

  function readObject(): JsonObject {
    enter();
    const out: JsonObject = {};
    if (skipSpace() === 0x7d) {
      at++;
      return out;
    }
    while (true) {
      if (skipSpace() !== 0x22) fail(`${unexpected()} where a key should be`);
      const keyAt = at;
      const key = readString();
      if (skipSpace() !== 0x3a) fail(`${unexpected()} where ":" should be`);
      at++;
      path.push(key);
      if (Object.hasOwn(out, key))
        note('DUPLICATE_KEY', keyAt, `the key ${JSON.stringify(key)} occurs again; its last value counts`);
      setOwn(out, key, readValue());
      path.pop();
      const code = skipSpace();
      if (code !== 0x2c && code !== 0x7d) fail(`${unexpected()} where "," or "}" should be`);
      at++;
      if (code === 0x7d) return out;
    }
  }

  if (text.charCodeAt(0) === 0xfeff) {
    note('BYTE_ORDER_MARK', 0, 'a byte order mark before the JSON text');
    at = 1;
  }
  const value = readValue();
  skipSpace();
  if (at < text.length) fail(`${unexpected()} after the end of the value`);
  const offsets = found.map(({ offset }) => offset);
  const placed = positions(text, offsets, options.firstLine ?? 1);
  const notes = found.map(
    ({ code, message, pointer }, i): JsonNote => ({ code, message, ...placed[i]!, pointer }),
  );
  return { value, notes };
}

interface Found {
  readonly code: JsonNoteCode;
  readonly message: string;
  readonly offset: number;
  readonly pointer: string;
}

/** Lines and columns of offsets, in one pass over the text. */
function positions(
  text: string,
  offsets: readonly number[],
  firstLine: number,
): { line: number; column: number }[] {
  const order = offsets.map((_, i) => i).sort((a, b) => offsets[a]! - offsets[b]!);
  const out = new Array<{ line: number; column: number }>(offsets.length);
  let line = firstLine;
  let start = 0;
  for (const i of order) {
    const offset = offsets[i]!;
    for (let end = text.indexOf('\n', start); end !== -1 && end < offset; end = text.indexOf('\n', start)) {
      line++;
      start = end + 1;
    }
    out[i] = { line, column: offset - start + 1 };
  }
  return out;
}

/** As `JSON.parse`: `__proto__` is a key like any other. */
function setOwn(object: JsonObject, key: string, value: JsonValue): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
