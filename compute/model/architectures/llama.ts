import { z } from 'zod';
import { activation, headSizes, layerCount, parseConfig, size } from './config.ts';
import type { Architecture, BlockSpec, DecoderSpec, LinearSpec, NormSpec } from './decoder.ts';
import { rotaryFields, rotaryFrequencies } from './rotary.ts';

/** Fields that Llama and its relatives share. */
export const llamaFields = {
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  vocab_size: size,
  max_position_embeddings: size,
  rms_norm_eps: z.number().positive(),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  ...rotaryFields,
};

const llamaSchema = z.looseObject({ ...llamaFields, tie_word_embeddings: z.boolean().default(false) });
export type LlamaConfig = z.infer<typeof llamaSchema>;

/** What a relative of Llama does otherwise; the defaults are Llama's own. */
export interface LlamaVariation {
  /** Biases of query, key and value; of the output projection. */
  readonly projectionBias?: boolean;
  readonly outputBias?: boolean;
  readonly headNorms?: boolean;
  /** Whether a layer rotates; its sliding window. */
  readonly rotary?: (layer: number) => boolean;
  readonly window?: (layer: number) => number | undefined;
  readonly ropeBase?: number;
}

/** The decoder of a Llama-like `config.json`: RMS norms, rotary positions, grouped queries, gated MLP. */
export function llamaDecoder(config: LlamaConfig, vary: LlamaVariation = {}): DecoderSpec {
  const { heads, keyValueHeads, headDim } = headSizes({
    hidden: config.hidden_size,
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads,
    headDim: config.head_dim,
  });
  const { projectionBias = config.attention_bias, outputBias = config.attention_bias } = vary;
  const linear = (name: string, bias: boolean): LinearSpec => ({
    weight: `${name}.weight`,
    ...(bias ? { bias: `${name}.bias` } : {}),
  });
  const norm = (name: string): NormSpec => ({
    kind: 'rms',
    weight: `${name}.weight`,
    epsilon: config.rms_norm_eps,
  });
  const block = (layer: number): BlockSpec => {
    const at = `model.layers.${layer}`;
    const window = vary.window?.(layer);
    return {
      attentionNorm: norm(`${at}.input_layernorm`),
      attention: {
        projections: {
          query: linear(`${at}.self_attn.q_proj`, projectionBias),
          key: linear(`${at}.self_attn.k_proj`, projectionBias),
          value: linear(`${at}.self_attn.v_proj`, projectionBias),
        },
        output: linear(`${at}.self_attn.o_proj`, outputBias),
        ...(vary.headNorms
          ? { headNorms: { query: norm(`${at}.self_attn.q_norm`), key: norm(`${at}.self_attn.k_norm`) } }
          : {}),
        rotary: vary.rotary?.(layer) ?? true,
        ...(window === undefined ? {} : { window }),
        scale: 1 / Math.sqrt(headDim),
      },
      mlpNorm: norm(`${at}.post_attention_layernorm`),
      mlp: {
        gate: linear(`${at}.mlp.gate_proj`, config.mlp_bias),
        up: linear(`${at}.mlp.up_proj`, config.mlp_bias),
        down: linear(`${at}.mlp.down_proj`, config.mlp_bias),
        width: config.intermediate_size,
        activation: activation('hidden_act', config.hidden_act),
      },
    };
  };
  const tokenEmbedding = 'model.embed_tokens.weight';
  return {
    hidden: config.hidden_size,
    heads,
    keyValueHeads,
    headDim,
    vocabulary: config.vocab_size,
    contextLength: config.max_position_embeddings,
    tokenEmbedding,
    rotaryFrequencies: rotaryFrequencies(config, headDim, vary.ropeBase ?? 10_000),
    blocks: Array.from({ length: config.num_hidden_layers }, (_, layer) => block(layer)),
    finalNorm: norm('model.norm'),
    head: { weight: config.tie_word_embeddings ? tokenEmbedding : 'lm_head.weight' },
  };
}

/** Llama 1 to 3.2 and what follows them (Vicuna, TinyLlama, SmolLM 1 and 2, …). */
export const llama: Architecture = {
  modelType: 'llama',
  buffers: /\.rotary_emb\.inv_freq$/,
  decoder: (config) => llamaDecoder(parseConfig(llamaSchema, config)),
};
