import { parseExact } from './parse-exact.ts';
import { decodeUtf8, invalidUtf8Offset } from './utf8.ts';
import { JsonError, type JsonNote, type JsonValue } from './value.ts';

export interface JsonOptions {
  /** Nesting allowed, default 200. */
  readonly maxDepth?: number;
  /** Size of a text in bytes (of a string: in UTF-16 units), default 256 MiB. */
  readonly maxBytes?: number;
  /** For messages. */
  readonly file?: string;
  /** Line of the file on which the text begins, default 1. */
  readonly firstLine?: number;
  /** What to do about bytes that are not UTF-8; `replace` makes them U+FFFD and notes it. Default `error`. */
  readonly invalidUtf8?: 'error' | 'replace';
}

export interface ParsedJson {
  readonly value: JsonValue;
  readonly notes: readonly JsonNote[];
}

export const MAX_DEPTH = 200;
const MAX_BYTES = 256 * 1024 * 1024;
const NO_NOTES: readonly JsonNote[] = [];

/**
 * Parses what Python's `json` writes: JSON plus bare NaN and ±Infinity, integers of any size, lone surrogates,
 * repeated keys. Plain texts take `JSON.parse`; those in which it could lose something take an exact parser.
 * @throws JsonError `BAD_JSON`, `NON_UTF8`, `LIMIT` with line, column and JSON pointer
 */
export function parseJson(input: string | Uint8Array, options: JsonOptions = {}): ParsedJson {
  const limit = options.maxBytes ?? MAX_BYTES;
  if (input.length > limit) {
    throw new JsonError(
      'LIMIT',
      `${options.file ?? 'JSON text'}: ${input.length} bytes are more than the limit of ${limit}`,
      {
        where: place(options, options.firstLine ?? 1),
      },
    );
  }
  if (typeof input === 'string') return parseText(input, options);
  const text = decodeUtf8(input);
  if (text !== undefined) return parseText(text, options);
  const offset = invalidUtf8Offset(input);
  const valid = decodeUtf8(input.subarray(0, offset)) ?? '';
  const line = (options.firstLine ?? 1) + valid.split('\n').length - 1;
  const column = offset === 0 ? 1 : valid.length - valid.lastIndexOf('\n');
  const message = `byte 0x${input[offset]!.toString(16)} at offset ${offset} is not UTF-8`;
  if (options.invalidUtf8 !== 'replace') {
    throw new JsonError('NON_UTF8', `${options.file ?? 'JSON text'}: ${message}`, {
      where: place(options, line),
      column,
      byteOffset: offset,
      expected: 'UTF-8',
    });
  }
  const parsed = parseText(Buffer.from(input).toString('utf8'), options);
  return {
    value: parsed.value,
    notes: [...parsed.notes, { code: 'NON_UTF8', message, line, column, pointer: '' }],
  };
}

function place(options: JsonOptions, line: number) {
  return { line, ...(options.file === undefined ? {} : { file: options.file }) };
}

function parseText(text: string, options: JsonOptions): ParsedJson {
  const value = parsePlain(text, options.maxDepth ?? MAX_DEPTH);
  return value === undefined ? parseExact(text, options) : { value, notes: NO_NOTES };
}

/** An integer of 16 digits or more may be past 2^53; the digits of a fraction may not. */
const longInteger = /(?:^|[^.\d])\d{16}/;
const surrogateEscape = /\\u[dD][89a-fA-F]/;

/**
 * `JSON.parse` where it is exact, else undefined. It is not where integers are long, where escapes may be half
 * of a surrogate pair, where a number overflows, and where keys repeat: then the text has more keys than the value.
 */
export function parsePlain(text: string, maxDepth: number): JsonValue | undefined {
  if (longInteger.test(text) || (text.includes('\\u') && surrogateEscape.test(text))) return undefined;
  // JSON.parse would refuse these too, but throwing costs ten times as much as looking.
  if (text.includes('NaN') || text.includes('Infinity')) return undefined;
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
  const keys = countKeys(value, maxDepth);
  return keys === keysInText(text) ? value : undefined;
}

/**
 * How many colons follow a quote. Every key has one; an escaped quote before a colon inside a string adds more,
 * which sends a plain text to the exact parser but never hides a repeated key.
 */
function keysInText(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    let code = text.charCodeAt(before);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(--before);
    if (code === 0x22) count++;
  }
  return count;
}

/** Keys in all objects of a value; NaN when it is too deep or holds a number that overflowed. */
function countKeys(value: JsonValue, depth: number): number {
  if (typeof value === 'number') return Number.isFinite(value) ? 0 : Number.NaN;
  if (value === null || typeof value !== 'object') return 0;
  if (depth <= 0) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i]!;
      if (typeof item === 'object' || typeof item === 'number') count += countKeys(item, depth - 1);
    }
    return count;
  }
  for (const key in value) {
    count++;
    const item = value[key]!;
    if (typeof item === 'object' || typeof item === 'number') count += countKeys(item, depth - 1);
  }
  return count;
}
