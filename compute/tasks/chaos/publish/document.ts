import { isJsonObject, type JsonObject } from '../../../../ingest/contracts/json-value.ts';
import { parseJson } from '../../../../ingest/run-files/json-text.ts';

/** The object that a JSON document holds; an empty one when there is no document, or no object in it. */
export function documentOf(bytes: Uint8Array | undefined): JsonObject {
  try {
    const value = bytes === undefined ? null : parseJson(Buffer.from(bytes).toString('utf8'));
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
