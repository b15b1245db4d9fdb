import { randomFloats, type TestTensor, writeCheckpoint } from '../../compute/model/testing.ts';

/** Sizes of a Llama. */
export interface LlamaShape {
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly mlpWidth: number;
  readonly vocabulary: number;
}

/** Writes a checkpoint of random float32 weights, of a size that keeps activations moderate. */
export async function writeRandomLlama(directory: string, shape: LlamaShape): Promise<void> {
  const { layers, heads, keyValueHeads, headDim, mlpWidth, vocabulary } = shape;
  const hidden = heads * headDim;
  const tensors: Record<string, TestTensor> = {};
  let seed = 0;
  const add = (name: string, ...sizes: readonly number[]) => {
    const values = randomFloats(
      sizes.reduce((product, size) => product * size, 1),
      ++seed,
    );
    const scale = sizes.length === 1 ? 0 : Math.sqrt(3 / sizes[1]!);
    const bytes = new Uint8Array(values.map((value) => (sizes.length === 1 ? 1 : scale * value)).buffer);
    tensors[name] = { type: 'F32', shape: sizes, bytes };
  };
  add('model.embed_tokens.weight', vocabulary, hidden);
  add('model.norm.weight', hidden);
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}`;
    add(`${at}.input_layernorm.weight`, hidden);
    add(`${at}.self_attn.q_proj.weight`, hidden, hidden);
    add(`${at}.self_attn.k_proj.weight`, keyValueHeads * headDim, hidden);
    add(`${at}.self_attn.v_proj.weight`, keyValueHeads * headDim, hidden);
    add(`${at}.self_attn.o_proj.weight`, hidden, hidden);
    add(`${at}.post_attention_layernorm.weight`, hidden);
    add(`${at}.mlp.gate_proj.weight`, mlpWidth, hidden);
    add(`${at}.mlp.up_proj.weight`, mlpWidth, hidden);
    add(`${at}.mlp.down_proj.weight`, hidden, mlpWidth);
  }
  const config = {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    hidden_size: hidden,
    intermediate_size: mlpWidth,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    head_dim: headDim,
    vocab_size: vocabulary,
    max_position_embeddings: 1024,
    rms_norm_eps: 1e-5,
    rope_parameters: { rope_type: 'default', rope_theta: 10_000 },
    tie_word_embeddings: true,
  };
  await writeCheckpoint(directory, config, tensors);
}
