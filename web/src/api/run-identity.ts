import { z } from 'zod';

/** What tells a run from others, as pages ask for it: `RUN_IDENTITY` in the query, this in its schema. */
export const runIdentity = z.object({
  id: z.string(),
  family: z.string(),
  method: z.string().nullable(),
  modelId: z.string().nullable(),
  benchmark: z.string().nullable(),
  split: z.string().nullable(),
  seed: z.union([z.number(), z.string()]).nullable(),
  status: z.string(),
  verdict: z.string().nullable(),
});

export const RUN_IDENTITY = 'id family method modelId benchmark split seed status verdict';
