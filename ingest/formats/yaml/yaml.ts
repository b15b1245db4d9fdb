import { parseDocument } from 'yaml';
import { messageOf } from '../../../lake/errors.ts';
import { FormatError } from '../errors.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';

export interface YamlOptions {
  /** For messages. */
  readonly file?: string;
  /** Longest text, in UTF-16 units. Default 1 MiB: a configuration, not data. */
  readonly maxLength?: number;
}

const MAX_LENGTH = 1024 * 1024;
/** Aliases multiply what a short text unfolds to. */
const MAX_ALIASES = 100;

/**
 * Parses one YAML 1.2 document of plain data (core schema). So `4e-6` is a number, as its author meant; Python's yaml,
 * which follows 1.1, makes a text of it. Unknown tags are ignored: nothing is ever constructed.
 * @throws FormatError `BAD_YAML`, `LIMIT`
 */
export function parseYaml(text: string, options: YamlOptions = {}): JsonValue {
  const name = options.file ?? 'YAML text';
  const { maxLength = MAX_LENGTH } = options;
  if (text.length > maxLength) {
    throw new FormatError('LIMIT', `${name}: ${text.length} characters are more than ${maxLength}`);
  }
  const document = parseDocument(text, {
    intAsBigInt: true,
    stringKeys: true,
    prettyErrors: true,
    logLevel: 'error',
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    throw new FormatError('BAD_YAML', `${name}: ${error.message.split('\n', 1)[0]}`, {
      ...(line === undefined ? {} : { where: { line } }),
    });
  }
  try {
    return toJson(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch (error) {
    throw new FormatError('BAD_YAML', `${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** Whole numbers as `JsonValue` has them: a bigint only beyond ±(2^53 - 1). */
function toJson(value: unknown): JsonValue {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return null;
  const object: JsonObject = Object.create(null);
  for (const [key, item] of Object.entries(value)) object[key] = toJson(item);
  return object;
}
