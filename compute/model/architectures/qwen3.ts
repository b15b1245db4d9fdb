import { parseConfig } from './config.ts';
import type { Architecture } from './decoder.ts';
import { layerWindows } from './layer-windows.ts';
import { llamaDecoder } from './llama.ts';
import { qwenSchema } from './qwen2.ts';

/** Qwen2 with a norm over each head of query and key in place of the biases; its heads are 128 wide by default. */
export const qwen3: Architecture = {
  modelType: 'qwen3',
  decoder(config) {
    const parsed = parseConfig(qwenSchema, config);
    return llamaDecoder(
      { ...parsed, head_dim: parsed.head_dim ?? 128 },
      {
        headNorms: true,
        window: layerWindows(parsed, (layer) => layer >= (parsed.max_window_layers ?? 28)),
      },
    );
  },
};
