import { z } from 'zod';
import { index, measured, modelIndex } from './scalars.ts';

/** `top_heads.json`: the heads that the function vector is made of, in rank order. */
export const topHeadsSchema = z.looseObject({
  meta: z.looseObject({ k: index.nullish(), score_key: z.string().nullish() }).nullish(),
  heads: z.array(z.looseObject({ layer: modelIndex, head: modelIndex, rank_score: measured.nullish() })),
});

export type TopHeads = z.infer<typeof topHeadsSchema>;
