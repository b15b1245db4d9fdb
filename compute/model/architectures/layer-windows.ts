import { z } from 'zod';
import { size, unsupported } from './config.ts';

/** Fields by which Qwen and SmolLM3 say which layers slide. */
export const windowFields = {
  use_sliding_window: z.boolean().default(false),
  sliding_window: size.nullish(),
  max_window_layers: z.int().nonnegative().nullish(),
  layer_types: z.array(z.string()).nullish(),
};

export interface WindowConfig {
  readonly use_sliding_window: boolean;
  readonly sliding_window?: number | null | undefined;
  readonly layer_types?: readonly string[] | null | undefined;
}

/**
 * The sliding window of each layer. `layer_types` (transformers 4.53 on) decides where it is there.
 * @param slides for configs without `layer_types`
 * @throws UnsupportedModelError for other kinds of layers
 */
export function layerWindows(
  config: WindowConfig,
  slides: (layer: number) => boolean,
): (layer: number) => number | undefined {
  const window = (config.use_sliding_window ? config.sliding_window : undefined) ?? undefined;
  const types = config.layer_types;
  return (layer) => {
    const type = types?.[layer];
    if (type !== undefined && type !== 'full_attention' && type !== 'sliding_attention') {
      throw unsupported('layer_types', type, 'full_attention or sliding_attention');
    }
    const sliding = type === undefined ? slides(layer) : type === 'sliding_attention';
    return sliding ? window : undefined;
  };
}
