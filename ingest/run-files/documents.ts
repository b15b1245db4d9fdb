import { isUtf8 } from 'node:buffer';
import { messageOf } from '../../lake/errors.ts';
import type { ObjectInfo } from '../../lake/store/object-store.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../contracts/json-value.ts';
import type { Issue, ReadContext } from '../family.ts';
import { parseYaml } from '../formats/yaml/yaml.ts';
import { parseJson } from './json-text.ts';

/** A JSON document larger than this is not read into memory. */
export const MAX_DOCUMENT_BYTES = 512 * 1024 * 1024;

export interface ReadDocument {
  readonly value: JsonObject | undefined;
  readonly issues: readonly Issue[];
}

/** Reads a file that holds one JSON object; whatever is wrong with it becomes an issue. */
export function readJsonDocument(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
): Promise<ReadDocument> {
  return readDocument(context, object, file, { name: 'JSON', parse: parseJson });
}

/** The same for a file that holds one YAML mapping of plain data. */
export function readYamlDocument(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
): Promise<ReadDocument> {
  return readDocument(context, object, file, { name: 'YAML', parse: parseYaml });
}

interface DocumentFormat {
  readonly name: string;
  readonly parse: (text: string) => JsonValue;
}

async function readDocument(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
  { name, parse }: DocumentFormat,
): Promise<ReadDocument> {
  const fail = (code: string, message: string): ReadDocument => ({
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
  if (bytes.length === 0) return fail('EMPTY_FILE', `the file is empty; expected a ${name} object`);
  let value: JsonValue;
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    value = parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (error) {
    return fail(`INVALID_${name}`, `not ${name}: ${messageOf(error)}`);
  }
  if (!isJsonObject(value)) return fail('WRONG_TYPE', 'the document is not an object');
  return { value, issues: [] };
}
