import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelInfo } from './engine/model.ts';

/** A tensor to be written to a safetensors file; values are rounded to the type. */
export interface TestTensor {
  readonly type: 'F32' | 'F16' | 'BF16' | 'BOOL';
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The bytes of a safetensors file. */
export function safetensorsBytes(tensors: Readonly<Record<string, TestTensor>>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, { type, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype: type, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const text = JSON.stringify(header);
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...Object.values(tensors).map((tensor) => tensor.bytes)]);
}

/** Numbers in (-1, 1), the same for one seed (mulberry32). */
export function randomFloats(count: number, seed: number): Float32Array {
  let state = seed | 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

function randomTensor(shape: readonly number[], seed: number): TestTensor {
  const values = randomFloats(
    shape.reduce((product, size) => product * size, 1),
    seed,
  );
  return { type: 'F32', shape, bytes: new Uint8Array(values.buffer) };
}

/** `config.json` of a Llama of two blocks, two heads of 4, one key-value head. */
export const tinyLlamaConfig = {
  model_type: 'llama',
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 19,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_parameters: { rope_type: 'default', rope_theta: 10000 },
  tie_word_embeddings: true,
};

/** The tensors that belong to `tinyLlamaConfig`, random. */
export function tinyLlamaTensors(): Record<string, TestTensor> {
  const shapes: Record<string, readonly number[]> = {
    'model.embed_tokens.weight': [19, 8],
    'model.norm.weight': [8],
  };
  for (const layer of [0, 1]) {
    const at = `model.layers.${layer}`;
    shapes[`${at}.input_layernorm.weight`] = [8];
    shapes[`${at}.self_attn.q_proj.weight`] = [8, 8];
    shapes[`${at}.self_attn.k_proj.weight`] = [4, 8];
    shapes[`${at}.self_attn.v_proj.weight`] = [4, 8];
    shapes[`${at}.self_attn.o_proj.weight`] = [8, 8];
    shapes[`${at}.post_attention_layernorm.weight`] = [8];
    shapes[`${at}.mlp.gate_proj.weight`] = [12, 8];
    shapes[`${at}.mlp.up_proj.weight`] = [12, 8];
    shapes[`${at}.mlp.down_proj.weight`] = [8, 12];
  }
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, randomTensor(shape, i + 1)]),
  );
}

/** Writes a checkpoint directory of one file. */
export async function writeCheckpoint(
  directory: string,
  config: unknown = tinyLlamaConfig,
  tensors: Readonly<Record<string, TestTensor>> = tinyLlamaTensors(),
): Promise<string> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
  await writeFile(join(directory, 'model.safetensors'), safetensorsBytes(tensors));
  return directory;
}

/** What `Model.info` says of the tiny Llama. */
export const tinyModelInfo: ModelInfo = {
  modelType: 'llama',
  provider: 'cpu',
  compute: 'float32',
  graphVersion: 2,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headDim: 4,
  hidden: 8,
  mlpWidth: 12,
  vocabulary: 19,
  contextLength: 64,
  taps: { residual: [0, 1, 2], heads: [0, 1] },
};
