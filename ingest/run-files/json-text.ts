import { parseJson as parse } from '../formats/json/parse.ts';
import { stringifyJson } from '../formats/json/stringify.ts';
import type { JsonObject, JsonValue } from '../formats/json/value.ts';

/** The value of a text, as Python's `json` understands it. @throws JsonError */
export function parseJson(text: string): JsonValue {
  return parse(text).value;
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
