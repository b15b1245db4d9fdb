import { z } from 'zod';
import { count, sha256Hex } from './scalars.ts';

/** Where the list of the dataset's files lies below the project, and what official runs name as their selector. */
export const CANONICAL_SELECTOR = 'data/canonical_v2_files.json';

/** Where the frozen description of the dataset lies below the project. */
export const FREEZE_MANIFEST = 'artifacts/freeze/v2_freeze_manifest.json';

/** `data/canonical_v2_files.json`: the dataset's files, relative to the project. */
export const selectorSchema = z.looseObject({ files: z.array(z.string()).min(1) });

/** One file of the dataset. */
export const datasetFileSchema = z.looseObject({
  path: z.string(),
  /** Lines that are not blank. */
  count,
  sha256: sha256Hex,
});

export type DatasetFile = z.infer<typeof datasetFileSchema>;

/** `artifacts/freeze/v2_freeze_manifest.json`. */
export const freezeManifestSchema = z.looseObject({
  canonical_selector: z.string(),
  canonical_files: z.array(datasetFileSchema),
  canonical_total_questions: count,
  global_sha256: sha256Hex,
});

export type FreezeManifest = z.infer<typeof freezeManifestSchema>;
