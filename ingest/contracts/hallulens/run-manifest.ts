import { z } from 'zod';
import { isoTime, nonEmptyString } from '../scalars.ts';

/** `run_manifest.json` of a contract run: where it came from. */
export const runManifestSchema = z.looseObject({
  created_at: isoTime,
  git: z.looseObject({ commit: nonEmptyString, dirty: z.boolean() }),
  environment: z.looseObject({
    python_version: z.string(),
    platform: z.string(),
    cuda: z.string().nullish(),
  }),
  notes: z.string().nullish(),
});

export type RunManifest = z.infer<typeof runManifestSchema>;
