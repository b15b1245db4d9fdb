import { z } from 'zod';
import { parseConfig, size } from './config.ts';
import type { Architecture } from './decoder.ts';
import { llamaDecoder, llamaFields } from './llama.ts';

const mistralSchema = z.looseObject({
  ...llamaFields,
  tie_word_embeddings: z.boolean().default(false),
  sliding_window: size.nullable().default(4096),
});

/** Llama with a sliding window in every layer (unless the config says null). */
export const mistral: Architecture = {
  modelType: 'mistral',
  decoder(config) {
    const parsed = parseConfig(mistralSchema, config);
    return llamaDecoder(parsed, { window: () => parsed.sliding_window ?? undefined });
  },
};
