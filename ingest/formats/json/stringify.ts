import type { JsonValue } from './value.ts';

/**
 * The text of a value for a `json` column, valid JSON and valid UTF-8 for every reader (DuckDB among them):
 * bigints as plain integers; NaN and ±Infinity as the strings "NaN", "Infinity", "-Infinity"; a lone surrogate
 * as U+FFFD. Whole floats beyond 2^53 get an exponent, so that they come back as floats. Keys keep their order.
 */
export function stringifyJson(value: JsonValue): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.isWellFormed() ? value : value.toWellFormed());
    case 'number':
      return numberText(value);
    case 'bigint':
      return value.toString();
    case 'boolean':
      return value ? 'true' : 'false';
  }
  if (value === null) return 'null';
  if (isPlain(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${stringifyJson(key)}:${stringifyJson(item)}`)
    .join(',')}}`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  if (Object.is(value, -0)) return '-0.0';
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

/** Whether `JSON.stringify` writes the same. */
function isPlain(value: JsonValue): boolean {
  if (typeof value === 'number') {
    return Number.isInteger(value)
      ? Number.isSafeInteger(value) && !Object.is(value, -0)
      : Number.isFinite(value);
  }
  if (typeof value === 'string') return value.isWellFormed();
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value === 'bigint') return false;
  if (Array.isArray(value)) return value.every(isPlain);
  // An object with a toJSON member would be replaced by its result were it a function; JSON holds none.
  return Object.entries(value).every(([key, item]) => key.isWellFormed() && isPlain(item));
}
