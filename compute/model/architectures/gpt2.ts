import { z } from 'zod';
import { activation, headSizes, layerCount, parseConfig, size } from './config.ts';
import type { Architecture, LinearSpec, NormSpec } from './decoder.ts';

const gpt2Schema = z.looseObject({
  vocab_size: size,
  n_positions: size,
  n_embd: size,
  n_layer: layerCount,
  n_head: size,
  n_inner: size.nullish(),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
});

/** GPT-2: learned positions, layer norms with biases, one fused projection stored as `[in, out]`. */
export const gpt2: Architecture = {
  modelType: 'gpt2',
  buffers: /(^|\.)attn\.(bias|masked_bias)$/,
  decoder(config, has) {
    const parsed = parseConfig(gpt2Schema, config);
    const { headDim } = headSizes({ hidden: parsed.n_embd, heads: parsed.n_head });
    // The checkpoints of OpenAI's models were saved from the base model, without the head's prefix.
    const root = has('transformer.wte.weight') ? 'transformer.' : '';
    const norm = (name: string): NormSpec => ({
      kind: 'layer',
      weight: `${root}${name}.weight`,
      bias: `${root}${name}.bias`,
      epsilon: parsed.layer_norm_epsilon,
    });
    const conv = (name: string): LinearSpec => ({
      weight: `${root}${name}.weight`,
      bias: `${root}${name}.bias`,
      layout: 'in-out',
    });
    const tokenEmbedding = `${root}wte.weight`;
    return {
      hidden: parsed.n_embd,
      heads: parsed.n_head,
      keyValueHeads: parsed.n_head,
      headDim,
      vocabulary: parsed.vocab_size,
      contextLength: parsed.n_positions,
      tokenEmbedding,
      positionEmbedding: `${root}wpe.weight`,
      blocks: Array.from({ length: parsed.n_layer }, (_, layer) => ({
        attentionNorm: norm(`h.${layer}.ln_1`),
        attention: {
          projections: { fused: conv(`h.${layer}.attn.c_attn`) },
          output: conv(`h.${layer}.attn.c_proj`),
          rotary: false,
          scale:
            (parsed.scale_attn_weights ? 1 / Math.sqrt(headDim) : 1) /
            (parsed.scale_attn_by_inverse_layer_idx ? layer + 1 : 1),
        },
        mlpNorm: norm(`h.${layer}.ln_2`),
        mlp: {
          up: conv(`h.${layer}.mlp.c_fc`),
          down: conv(`h.${layer}.mlp.c_proj`),
          width: parsed.n_inner ?? 4 * parsed.n_embd,
          activation: activation('activation_function', parsed.activation_function),
        },
      })),
      finalNorm: norm('ln_f'),
      head: { weight: parsed.tie_word_embeddings ? tokenEmbedding : 'lm_head.weight' },
    };
  },
};
