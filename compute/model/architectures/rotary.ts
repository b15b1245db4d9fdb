import { z } from 'zod';
import { unsupported } from './config.ts';

const positive = z.number().positive();

const ropeSchema = z.looseObject({
  rope_theta: positive.nullish(),
  rope_type: z.string().nullish(),
  /** The name of `rope_type` before transformers 4.43. */
  type: z.string().nullish(),
  factor: positive.nullish(),
  low_freq_factor: positive.nullish(),
  high_freq_factor: positive.nullish(),
  original_max_position_embeddings: positive.nullish(),
  partial_rotary_factor: positive.nullish(),
});

/** Rotary fields in both dialects: transformers 5 has `rope_parameters`, 4 has `rope_theta` and `rope_scaling`. */
export const rotaryFields = {
  rope_parameters: ropeSchema.nullish(),
  rope_theta: positive.nullish(),
  rope_scaling: ropeSchema.nullish(),
  partial_rotary_factor: positive.nullish(),
};

export interface RotaryConfig {
  readonly rope_parameters?: z.infer<typeof ropeSchema> | null | undefined;
  readonly rope_theta?: number | null | undefined;
  readonly rope_scaling?: z.infer<typeof ropeSchema> | null | undefined;
  readonly partial_rotary_factor?: number | null | undefined;
}

/**
 * Inverse frequencies of the rotary embedding (Su et al. 2021, arXiv 2104.09864): base^(-2i/d), i < d/2, in the single
 * precision in which transformers computes them; scaled linearly or by parts as Llama 3.1 does.
 * @throws UnsupportedModelError for other scalings
 */
export function rotaryFrequencies(config: RotaryConfig, headDim: number, defaultBase: number): number[] {
  const rope = config.rope_parameters ?? config.rope_scaling ?? {};
  const field = config.rope_parameters ? 'rope_parameters' : 'rope_scaling';
  const part = rope.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  if (part !== 1) throw unsupported('partial_rotary_factor', part, '1');
  if (headDim % 2 !== 0) throw unsupported('head_dim', headDim, 'an even number');

  const base = rope.rope_theta ?? config.rope_theta ?? defaultBase;
  const f = Math.fround;
  const plain = Array.from({ length: headDim / 2 }, (_, i) => f(1 / f(base ** f((2 * i) / headDim))));
  const type = rope.rope_type ?? rope.type ?? 'default';
  const need = (
    name: 'factor' | 'low_freq_factor' | 'high_freq_factor' | 'original_max_position_embeddings',
  ) => {
    const value = rope[name];
    if (value == null) throw unsupported(field, rope, `${name}, as rope_type ${type} needs it`);
    return value;
  };
  switch (type) {
    case 'default':
      return plain;
    case 'linear': {
      const factor = need('factor');
      return plain.map((frequency) => f(frequency / factor));
    }
    case 'llama3':
      return byParts(plain, {
        factor: need('factor'),
        low: need('low_freq_factor'),
        high: need('high_freq_factor'),
        context: need('original_max_position_embeddings'),
      });
    default:
      throw unsupported(field, rope, 'a rope_type of default, linear or llama3');
  }
}

/**
 * Llama 3.1: wave lengths over `context / low` are stretched by `factor`, those under `context / high` stay, between
 * them the two are mixed.
 */
function byParts(
  frequencies: readonly number[],
  by: { readonly factor: number; readonly low: number; readonly high: number; readonly context: number },
): number[] {
  return frequencies.map((frequency) => {
    const wave = (2 * Math.PI) / frequency;
    if (wave > by.context / by.low) return Math.fround(frequency / by.factor);
    if (wave < by.context / by.high) return frequency;
    const smooth = (by.context / wave - by.low) / (by.high - by.low);
    return Math.fround(((1 - smooth) * frequency) / by.factor + smooth * frequency);
  });
}
