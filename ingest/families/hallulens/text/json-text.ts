import { parseJson as parse } from '../../../formats/json/parse.ts';
import { stringifyJson } from '../../../formats/json/stringify.ts';
import type { JsonObject, JsonValue } from '../../../formats/json/value.ts';

const MAX_DEPTH = 200;

/** Half of a surrogate pair can only come from such an escape. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
const LONG = 16;

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/**
 * Whether a run of 16 digits or more occurs that is no fraction: it may be an integer past 2^53. Looks at every
 * sixteenth character only, which such a run cannot slip through.
 */
export function hasLongInteger(text: string): boolean {
  for (let probe = LONG - 1; probe < text.length; probe += LONG) {
    if (!isDigit(text.charCodeAt(probe))) continue;
    let start = probe;
    while (start > 0 && isDigit(text.charCodeAt(start - 1))) start--;
    let end = probe + 1;
    while (end < text.length && isDigit(text.charCodeAt(end))) end++;
    if (end - start >= LONG && text.charCodeAt(start - 1) !== 0x2e) return true;
    probe = end - 1;
  }
  return false;
}

/** Whether a text has so many opening brackets that it could nest deeper than is allowed. */
function mayNestDeeply(text: string): boolean {
  let open = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      if (++open > MAX_DEPTH) return true;
    }
  }
  return false;
}

/**
 * The value of a text; see `ingest/formats/json`. Texts in which `JSON.parse` loses nothing but the memory of
 * repeated keys, of which it keeps the last as Python does, take the short way.
 * @throws JsonError
 */
export function parseJson(text: string): JsonValue {
  const halfPairs = text.includes('\\u') && SURROGATE_ESCAPE.test(text);
  if (!halfPairs && !hasLongInteger(text) && !mayNestDeeply(text)) {
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      // NaN, Infinity, or no JSON at all: the exact parser knows, and words the complaint.
    }
  }
  return parse(text, { maxDepth: MAX_DEPTH }).value;
}

export { stringifyJson as jsonText };

/** The members of an object that are not in `known`, as JSON; null when there are none. */
export function extraJson(object: JsonObject, known: ReadonlySet<string>): string | null {
  let rest: JsonObject | undefined;
  for (const key in object) {
    if (!known.has(key)) {
      rest ??= Object.create(null) as JsonObject;
      rest[key] = object[key]!;
    }
  }
  return rest === undefined ? null : stringifyJson(rest);
}
