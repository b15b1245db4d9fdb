import type { JsonObject, JsonValue } from '../formats/json/value.ts';

export type { JsonObject, JsonValue } from '../formats/json/value.ts';

/** Whether a value is an object: neither null nor a list. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text, or undefined for anything else. */
export function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A text that is not empty, or undefined for anything else. */
export function nonEmptyTextOf(value: JsonValue | undefined): string | undefined {
  return textOf(value) || undefined;
}

/** A member that is an object, or undefined. */
export function memberOf(value: JsonObject | undefined, key: string): JsonObject | undefined {
  const found = value?.[key];
  return isJsonObject(found) ? found : undefined;
}
