import type { JsonObject } from '../contracts/json-value.ts';
import { jsonText } from './json-text.ts';

/** The manifest as recorded; what other files hold that has no table goes under the key `runlake`. */
export function manifestJson(manifest: JsonObject | undefined, kept: JsonObject): string | null {
  const hasKept = Object.keys(kept).length > 0;
  if (manifest === undefined && !hasKept) return null;
  return jsonText({ ...manifest, ...(hasKept ? { runlake: kept } : {}) });
}
