import { z } from 'zod';
import { parseConfig } from './config.ts';
import type { Architecture } from './decoder.ts';
import { layerWindows, windowFields } from './layer-windows.ts';
import { llamaDecoder, llamaFields } from './llama.ts';

/** Also Qwen3's fields. */
export const qwenSchema = z.looseObject({
  ...llamaFields,
  ...windowFields,
  tie_word_embeddings: z.boolean().default(false),
});

/** Llama with biases on query, key and value; layers from `max_window_layers` on may slide. */
export const qwen2: Architecture = {
  modelType: 'qwen2',
  decoder(config) {
    const parsed = parseConfig(qwenSchema, config);
    return llamaDecoder(parsed, {
      projectionBias: true,
      outputBias: false,
      window: layerWindows(parsed, (layer) => layer >= (parsed.max_window_layers ?? 28)),
    });
  },
};
