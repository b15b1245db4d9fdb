import type { JsonObject, JsonValue } from '../formats/json/value.ts';

export type { JsonObject, JsonValue } from '../formats/json/value.ts';

/** Whether a value is an object: neither null nor a list. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
