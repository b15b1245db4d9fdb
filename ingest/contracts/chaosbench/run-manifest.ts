import { z } from 'zod';
import { isJsonObject, type JsonValue } from '../json-value.ts';
import { finiteNumber, nonEmptyString, wholeNumber } from '../scalars.ts';
import { count, sha256Hex, zonedTime } from './scalars.ts';

/** What `dataset_global_sha256` says when the dataset could not be hashed. */
export const FINGERPRINT_UNAVAILABLE = 'unavailable';

/** Metrics of the whole run, rounded to four decimals; empty for a run without items. */
export const metricsSummarySchema = z.looseObject({
  coverage: finiteNumber.optional(),
  accuracy_valid: finiteNumber.optional(),
  effective_accuracy: finiteNumber.optional(),
  balanced_accuracy: finiteNumber.optional(),
  mcc: finiteNumber.optional(),
});

/** `run_manifest.json`, first generation: 16 keys. */
export const legacyManifestSchema = z.looseObject({
  /** `%Y%m%dT%H%M%SZ_` and the provider's name: also the name of the directory. */
  run_id: nonEmptyString,
  created_utc: zonedTime,
  /** `mock` or `<provider>/<model>`. */
  provider: nonEmptyString,
  prompt_version: nonEmptyString,
  prompt_hash: z.string().regex(/^[0-9a-f]{16}$/, { error: 'expected 16 lower-case hexadecimal digits' }),
  dataset_global_sha256: z.union([z.literal(FINGERPRINT_UNAVAILABLE), sha256Hex], {
    error: `expected 64 lower-case hexadecimal digits, or "${FINGERPRINT_UNAVAILABLE}"`,
  }),
  canonical_selector: z.string(),
  /** Items planned, which may be more than were evaluated. */
  total_items_evaluated: count,
  max_items: count.nullable(),
  seed: wholeNumber,
  retries: count,
  workers: count,
  strict_parsing: z.boolean(),
  git_commit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/, { error: 'expected 7 or more hexadecimal digits' })
    .nullable(),
  python_version: z.string(),
  metrics_summary: metricsSummarySchema,
});

/** Second generation, since 2026-02-20: 19 keys. */
export const orderedManifestSchema = legacyManifestSchema.extend({
  order_mode: z.enum(['canonical', 'shuffled']),
  shuffle_seed: wholeNumber.nullable(),
  resumed_from: z.string().nullable(),
});

/** Third and current generation: 20 keys. */
export const manifestSchema = orderedManifestSchema.extend({
  budget: z.looseObject({
    max_usd: finiteNumber.nullable(),
    truncate_pred_text: count,
    phase: z.string().nullable(),
    dry_run_cost: z.boolean(),
  }),
});

/** A manifest as it is written today. */
export type ChaosManifest = z.infer<typeof manifestSchema>;

/** A manifest of any generation. */
export type AnyChaosManifest = z.infer<typeof legacyManifestSchema> &
  Partial<Pick<ChaosManifest, 'order_mode' | 'shuffle_seed' | 'resumed_from' | 'budget'>>;

export type ManifestGeneration = 'legacy' | 'ordered' | 'budgeted';

/** Tells the generation of a manifest by the keys it has. */
export function manifestGeneration(manifest: JsonValue): ManifestGeneration {
  if (!isJsonObject(manifest)) return 'legacy';
  if ('budget' in manifest) return 'budgeted';
  return ['order_mode', 'shuffle_seed', 'resumed_from'].some((key) => key in manifest) ? 'ordered' : 'legacy';
}

/** The schema of each generation. */
export const MANIFEST_SCHEMAS = {
  legacy: legacyManifestSchema,
  ordered: orderedManifestSchema,
  budgeted: manifestSchema,
} as const satisfies Record<ManifestGeneration, z.ZodType<AnyChaosManifest>>;
