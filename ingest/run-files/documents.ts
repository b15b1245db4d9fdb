import { isUtf8 } from 'node:buffer';
import { messageOf } from '../../lake/errors.ts';
import type { ObjectInfo } from '../../lake/store/object-store.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../contracts/json-value.ts';
import type { Issue, ReadContext } from '../family.ts';
import { parseYaml } from '../formats/yaml/yaml.ts';
import { parseJson } from './json-text.ts';

/** A JSON document larger than this is not read into memory. */
export const MAX_DOCUMENT_BYTES = 512 * 1024 * 1024;

export interface ReadDocument<Value extends JsonValue = JsonObject> {
  readonly value: Value | undefined;
  readonly issues: readonly Issue[];
}

/** Reads a file that holds one JSON object; whatever is wrong with it becomes an issue. */
export function readJsonDocument(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
): Promise<ReadDocument> {
  return readDocument(context, object, file, { name: 'JSON', parse: parseJson }, OBJECT);
}

/** The same for a file that holds one JSON list. */
export function readJsonList(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
): Promise<ReadDocument<JsonValue[]>> {
  return readDocument(context, object, file, { name: 'JSON', parse: parseJson }, LIST);
}

/** The same for a file that holds one YAML mapping of plain data. */
export function readYamlDocument(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
): Promise<ReadDocument> {
  return readDocument(context, object, file, { name: 'YAML', parse: parseYaml }, OBJECT);
}

interface DocumentFormat {
  readonly name: string;
  readonly parse: (text: string) => JsonValue;
}

interface DocumentShape<Value extends JsonValue> {
  readonly name: string;
  readonly is: (value: JsonValue) => value is Value;
}

const OBJECT: DocumentShape<JsonObject> = { name: 'object', is: isJsonObject };
const LIST: DocumentShape<JsonValue[]> = { name: 'list', is: (value) => Array.isArray(value) };

async function readDocument<Value extends JsonValue>(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
  { name, parse }: DocumentFormat,
  shape: DocumentShape<Value>,
): Promise<ReadDocument<Value>> {
  const fail = (code: string, message: string): ReadDocument<Value> => ({
    value: undefined,
    issues: [{ severity: 'error', code, file, message }],
  });
  if (object.size > MAX_DOCUMENT_BYTES) {
    return fail(
      'FILE_TOO_LARGE',
      `${object.size} bytes; a document of at most ${MAX_DOCUMENT_BYTES} is read`,
    );
  }
  const bytes = await context.tree.store.get(object.key, context.signal ? { signal: context.signal } : {});
  if (!isUtf8(bytes)) return fail('NON_UTF8_BYTES', 'the file is not UTF-8');
  if (bytes.length === 0) return fail('EMPTY_FILE', `the file is empty; expected a ${name} ${shape.name}`);
  let value: JsonValue;
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    value = parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (error) {
    return fail(`INVALID_${name}`, `not ${name}: ${messageOf(error)}`);
  }
  if (!shape.is(value)) return fail('WRONG_TYPE', `the document is no ${shape.name}`);
  return { value, issues: [] };
}
