import { z } from 'zod';
import { parseConfig } from './config.ts';
import type { Architecture } from './decoder.ts';
import { layerWindows, windowFields } from './layer-windows.ts';
import { llamaDecoder, llamaFields } from './llama.ts';

const smollm3Schema = z.looseObject({
  ...llamaFields,
  ...windowFields,
  tie_word_embeddings: z.boolean().default(true),
  /** 1: rotary, 0: no positions at all. */
  no_rope_layers: z.array(z.union([z.literal(0), z.literal(1)])).nullish(),
  no_rope_layer_interval: z.int().min(1).default(4),
});

/** Llama in which every fourth layer has no position embedding (NoPE, arXiv 2501.18795). */
export const smollm3: Architecture = {
  modelType: 'smollm3',
  decoder(config) {
    const parsed = parseConfig(smollm3Schema, config);
    const rotary = (layer: number) => {
      const listed = parsed.no_rope_layers?.[layer];
      return listed === undefined ? (layer + 1) % parsed.no_rope_layer_interval !== 0 : listed === 1;
    };
    return llamaDecoder(parsed, {
      rotary,
      window: layerWindows(parsed, (layer) => !rotary(layer)),
      ropeBase: 2_000_000,
    });
  },
};
