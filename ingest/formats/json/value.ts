import { FormatError, type FormatErrorDetails, type FormatSubcode } from '../errors.ts';

/** What Python's `json` can write. Integers beyond ±(2^53 - 1) are bigints; numbers may be NaN or infinite. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | JsonValue[]
  | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Where in a text something is. */
export interface JsonPosition {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
  /** RFC 6901. */
  readonly pointer: string;
}

export type JsonNoteCode =
  /** A key occurs twice in an object; the last one counts, as in Python. */
  | 'DUPLICATE_KEY'
  /** A bare NaN, Infinity or -Infinity, or a number too large for a double. */
  | 'NON_FINITE'
  /** A string with half of a surrogate pair, which no valid UTF-8 can hold. */
  | 'LONE_SURROGATE'
  /** The text begins with a byte order mark. */
  | 'BYTE_ORDER_MARK'
  /** Bytes that are not UTF-8 became U+FFFD (only when asked for). */
  | 'NON_UTF8';

/** Something the reader accepted that JSON does not, or does not promise. */
export interface JsonNote extends JsonPosition {
  readonly code: JsonNoteCode;
  readonly message: string;
}

/** A text that is no JSON, or over a limit; `where.pointer` names the value that was being read. */
export class JsonError extends FormatError {
  readonly line: number | undefined;
  readonly column: number | undefined;
  constructor(
    subcode: FormatSubcode,
    message: string,
    details: FormatErrorDetails & { readonly column?: number } = {},
  ) {
    super(subcode, message, details);
    this.line = details.where?.line;
    this.column = details.column;
  }
}

/** The RFC 6901 pointer of a path: keys and array indexes from the root. */
export function pointer(parts: readonly (string | number)[]): string {
  let out = '';
  for (const part of parts) out += `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return out;
}
