import {
  type AnyChaosManifest,
  MANIFEST_SCHEMAS,
  manifestGeneration,
} from '../../../ingest/contracts/chaosbench/run-manifest.ts';
import type { JsonValue } from '../../../ingest/contracts/json-value.ts';

/** A manifest of any generation; undefined when the value breaks the contract of its generation. */
export function checkedManifest(value: JsonValue): AnyChaosManifest | undefined {
  const parsed = MANIFEST_SCHEMAS[manifestGeneration(value)].safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
