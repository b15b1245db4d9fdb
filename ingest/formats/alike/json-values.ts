import type { TextColumn } from '../../../lake/tables/text-column.ts';
import { stringifyJson } from '../json/stringify.ts';
import type { Slot, ValueReader } from './line-tree.ts';

/** Deeper values and larger objects are left to the parser: repeated keys are looked for one by one here. */
const MAX_DEPTH = 30;
const MAX_KEYS = 64;
/** An integer of more digits may be past 2^53; a decimal of so many is the same again after it was a double. */
const SAFE_DIGITS = 15;

const KIND = { string: 1, empty: 2, number: 3, true: 4, false: 5, null: 6, object: 7, array: 8 } as const;

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const LOWER_E = 0x65;
const LOWER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** 1 for bytes that stand for themselves inside a string. */
const PLAIN = new Uint8Array(256).fill(1, 0x20);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** By the letter behind a backslash: the character it stands for. */
const ESCAPED = new Uint8Array(256);
for (const [letter, character] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t']) {
  ESCAPED[letter!.charCodeAt(0)] = character!.charCodeAt(0);
}

const HEX = new Int8Array(256).fill(-1);
for (const digit of '0123456789abcdefABCDEF') HEX[digit.charCodeAt(0)] = Number.parseInt(digit, 16);

const [TRUE, FALSE, NULL] = ['true', 'false', 'null'].map((word) => Buffer.from(word)) as [
  Buffer,
  Buffer,
  Buffer,
];

/**
 * Reads JSON values out of UTF-8 without making them: a string as its text, any value as the JSON that
 * `stringifyJson` would write of it, and a null as a missing text. What `parseJson` would remark on or JavaScript
 * would change it refuses: long integers, halves of surrogate pairs, repeated keys, keys that are array indexes,
 * numbers beyond a double, NaN, and everything that is no JSON.
 */
export class JsonValueReader implements ValueReader {
  #kind = 0;
  /** Start and end in the column of every key so far of the objects that are open. */
  readonly #keys: number[] = [];

  get kind(): number {
    return this.#kind;
  }

  read(bytes: Uint8Array, at: number, end: number, { column, json }: Slot): number {
    if (!json && bytes[at] !== QUOTE && bytes[at] !== NULL[0]) return -1;
    // Nothing takes more room than its source, except numbers, which see to it themselves.
    column.reserve(end - at);
    this.#keys.length = 0;
    const behind =
      bytes[at] === QUOTE ? this.#string(bytes, at, column, json) : this.#value(bytes, at, column, 0);
    if (behind < 0) return -1;
    if (this.#kind !== KIND.null) column.endText();
    else {
      column.size -= NULL.length;
      column.endMissing();
    }
    return behind;
  }

  #value(bytes: Uint8Array, at: number, column: TextColumn, depth: number): number {
    switch (bytes[at]) {
      case QUOTE:
        return this.#string(bytes, at, column, true);
      case OPEN_OBJECT:
        return depth < MAX_DEPTH ? this.#object(bytes, at, column, depth + 1) : -1;
      case OPEN_ARRAY:
        return depth < MAX_DEPTH ? this.#array(bytes, at, column, depth + 1) : -1;
      case TRUE[0]:
        this.#kind = KIND.true;
        return readWord(bytes, at, column, TRUE);
      case FALSE[0]:
        this.#kind = KIND.false;
        return readWord(bytes, at, column, FALSE);
      case NULL[0]:
        this.#kind = KIND.null;
        return readWord(bytes, at, column, NULL);
      default:
        this.#kind = KIND.number;
        return readNumber(bytes, at, column);
    }
  }

  #string(bytes: Uint8Array, at: number, column: TextColumn, json: boolean): number {
    const behind = readString(bytes, at, column, json);
    this.#kind = behind === at + 2 ? KIND.empty : KIND.string;
    return behind;
  }

  #array(bytes: Uint8Array, start: number, column: TextColumn, depth: number): number {
    column.bytes[column.size++] = OPEN_ARRAY;
    let at = skipSpace(bytes, start + 1);
    while (bytes[at] !== CLOSE_ARRAY) {
      at = this.#value(bytes, at, column, depth);
      if (at < 0) return -1;
      at = this.#separator(bytes, at, column, CLOSE_ARRAY);
      if (at < 0) return -1;
    }
    column.bytes[column.size++] = CLOSE_ARRAY;
    this.#kind = KIND.array;
    return at + 1;
  }

  #object(bytes: Uint8Array, start: number, column: TextColumn, depth: number): number {
    const outer = this.#keys.length;
    column.bytes[column.size++] = OPEN_OBJECT;
    let at = skipSpace(bytes, start + 1);
    while (bytes[at] !== CLOSE_OBJECT) {
      const key = column.size;
      if (bytes[at] !== QUOTE) return -1;
      at = readString(bytes, at, column, true);
      if (at < 0 || !this.#isNewKey(column, key, outer)) return -1;
      at = skipSpace(bytes, at);
      if (bytes[at] !== COLON) return -1;
      column.bytes[column.size++] = COLON;
      at = this.#value(bytes, skipSpace(bytes, at + 1), column, depth);
      if (at < 0) return -1;
      at = this.#separator(bytes, at, column, CLOSE_OBJECT);
      if (at < 0) return -1;
    }
    column.bytes[column.size++] = CLOSE_OBJECT;
    this.#keys.length = outer;
    this.#kind = KIND.object;
    return at + 1;
  }

  /** Behind a comma, where another value must follow, or at the closing bracket; -1 where there is neither. */
  #separator(bytes: Uint8Array, start: number, column: TextColumn, close: number): number {
    let at = skipSpace(bytes, start);
    if (bytes[at] === close) return at;
    if (bytes[at] !== COMMA) return -1;
    column.bytes[column.size++] = COMMA;
    at = skipSpace(bytes, at + 1);
    return bytes[at] === close ? -1 : at;
  }

  #isNewKey({ bytes, size }: TextColumn, start: number, outer: number): boolean {
    const keys = this.#keys;
    if (isIndex(bytes, start + 1, size - 1) || keys.length - outer === 2 * MAX_KEYS) return false;
    for (let k = outer; k < keys.length; k += 2) {
      const [from, to] = [keys[k]!, keys[k + 1]!];
      if (to - from === size - start && bytes.compare(bytes, from, to, start, size) === 0) return false;
    }
    keys.push(start, size);
    return true;
  }
}

/** Whether a key has only digits: JavaScript puts array indexes before all other keys. */
function isIndex(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (!isDigit(bytes[i])) return false;
  return start < end;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/** The next byte that is not space; a newline ends the line. */
export function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d) at++;
  return at;
}

function readWord(bytes: Uint8Array, start: number, column: TextColumn, word: Uint8Array): number {
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return -1;
  return copy(bytes, start, start + word.length, column);
}

function copy(bytes: Uint8Array, start: number, end: number, column: TextColumn): number {
  for (let i = start; i < end; i++) column.bytes[column.size++] = bytes[i]!;
  return end;
}

/** Reads the string whose opening quote is at `start`, with quotes and necessary escapes for `json`. */
function readString(bytes: Uint8Array, start: number, column: TextColumn, json: boolean): number {
  const out = column.bytes;
  let size = column.size;
  let at = start + 1;
  if (json) out[size++] = QUOTE;
  while (true) {
    const byte = bytes[at]!;
    if (PLAIN[byte] === 1) {
      out[size++] = byte;
      at++;
    } else if (byte === QUOTE) {
      break;
    } else if (byte !== BACKSLASH) {
      return -1; // A control character, or the newline behind the line.
    } else if (bytes[at + 1] === LOWER_U) {
      const code = escapedCodePoint(bytes, at);
      if (code < 0) return -1;
      const character = String.fromCodePoint(code);
      size += out.write(json ? JSON.stringify(character).slice(1, -1) : character, size);
      at += code > 0xffff ? 12 : 6;
    } else {
      const letter = bytes[at + 1]!;
      const character = ESCAPED[letter]!;
      if (character === 0) return -1;
      if (json && character !== SLASH) {
        out[size++] = BACKSLASH;
        out[size++] = letter;
      } else out[size++] = character;
      at += 2;
    }
  }
  if (json) out[size++] = QUOTE;
  column.size = size;
  return at + 1;
}

/** The character of a `\u` escape, or of the two that are a surrogate pair; -1 for anything else. */
function escapedCodePoint(bytes: Uint8Array, at: number): number {
  const unit = hexUnit(bytes, at + 2);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  if (unit > 0xdbff || bytes[at + 6] !== BACKSLASH || bytes[at + 7] !== LOWER_U) return -1;
  const low = hexUnit(bytes, at + 8);
  return low < 0xdc00 || low > 0xdfff ? -1 : 0x10000 + (unit - 0xd800) * 0x400 + (low - 0xdc00);
}

function hexUnit(bytes: Uint8Array, at: number): number {
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = HEX[bytes[i] ?? 0]!;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function readNumber(bytes: Uint8Array, start: number, column: TextColumn): number {
  const digits = bytes[start] === MINUS ? start + 1 : start;
  const point = skipDigits(bytes, digits);
  if (point === digits || (bytes[digits] === ZERO && point > digits + 1)) return -1;
  let at = point;
  if (bytes[at] === POINT) {
    at = skipDigits(bytes, point + 1);
    if (at === point + 1) return -1;
  }
  const exponent = at;
  if ((bytes[at]! | 0x20) === LOWER_E) {
    const signed = bytes[at + 1] === PLUS || bytes[at + 1] === MINUS ? at + 2 : at + 1;
    at = skipDigits(bytes, signed);
    if (at === signed) return -1;
  }
  if (at === point) {
    const isNegativeZero = digits > start && bytes[digits] === ZERO;
    if (at - digits > SAFE_DIGITS) return -1;
    if (!isNegativeZero) return copy(bytes, start, at, column);
  }
  if (at === exponent && isShortest(bytes, digits, point, at)) return copy(bytes, start, at, column);
  const value = Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString('latin1'));
  if (!Number.isFinite(value)) return -1;
  const text = stringifyJson(value);
  column.reserve(bytes.length - start + text.length);
  column.size += column.bytes.write(text, column.size, 'latin1');
  return at;
}

function skipDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(bytes[at])) at++;
  return at;
}

/** Whether JavaScript surely writes a number without exponent like this: no digit too many, and not below 1e-5. */
function isShortest(bytes: Uint8Array, digits: number, point: number, end: number): boolean {
  if (point === end || bytes[end - 1] === ZERO || end - digits > SAFE_DIGITS) return false;
  if (bytes[digits] !== ZERO) return true;
  for (let i = point + 1; i < point + 6; i++) if (bytes[i] !== ZERO) return i < end;
  return false;
}
