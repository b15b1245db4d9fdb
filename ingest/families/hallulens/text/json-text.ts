import { parseJson as parse, parsePlain } from '../../../formats/json/parse.ts';
import { stringifyJson } from '../../../formats/json/stringify.ts';
import type { JsonObject, JsonValue } from '../../../formats/json/value.ts';

const MAX_DEPTH = 200;

/** The value of a text; see `ingest/formats/json`. @throws JsonError */
export function parseJson(text: string): JsonValue {
  return parsePlain(text, MAX_DEPTH) ?? parse(text, { maxDepth: MAX_DEPTH }).value;
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
