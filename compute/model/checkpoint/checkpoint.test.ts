import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Model } from '../engine/model.ts';
import { CheckpointError, UnsupportedModelError } from '../errors.ts';
import { safetensorsBytes, tinyLlamaConfig, tinyLlamaTensors, writeCheckpoint } from '../testing.ts';
import { hashCheckpoint, openCheckpoint, readWeight } from './checkpoint.ts';
import { commonFolder } from './shards.ts';

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runlake-checkpoint-'));
});
afterAll(() => rm(root, { recursive: true }));
const fresh = () => join(root, `checkpoint-${count++}`);

async function logits(path: string): Promise<Float32Array> {
  const model = await Model.load({ path, provider: 'cpu' });
  const result = await model.forward({ rows: [{ tokens: [1, 2, 3] }], capture: { logits: true } });
  await model.close();
  return result.logits!.data;
}

/** A checkpoint of two shards with an index. */
async function writeSharded(
  directory: string,
  change: (index: Record<string, string>) => void = () => undefined,
) {
  await mkdir(directory);
  await writeFile(join(directory, 'config.json'), JSON.stringify(tinyLlamaConfig));
  const entries = Object.entries(tinyLlamaTensors());
  const map: Record<string, string> = {};
  for (const [i, part] of [entries.slice(0, 7), entries.slice(7)].entries()) {
    const name = `model-0000${i + 1}-of-00002.safetensors`;
    await writeFile(join(directory, name), safetensorsBytes(Object.fromEntries(part)));
    for (const [tensor] of part) map[tensor] = name;
  }
  change(map);
  await writeFile(
    join(directory, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: {}, weight_map: map }),
  );
  return directory;
}

describe('checkpoint directories', () => {
  it('gives the same model from one file, from shards, and through the links of the hub cache', async () => {
    const plain = await writeCheckpoint(fresh());
    const expected = await logits(plain);
    const sharded = await writeSharded(fresh());
    expect(await logits(sharded)).toEqual(expected);

    // models--x/snapshots/rev/file -> ../../blobs/hash
    const cache = fresh();
    const snapshot = join(cache, 'snapshots', 'rev');
    await mkdir(snapshot, { recursive: true });
    await mkdir(join(cache, 'blobs'));
    for (const [i, name] of ['config.json', 'model.safetensors'].entries()) {
      await rename(join(plain, name), join(cache, 'blobs', `hash${i}`));
      await symlink(join('..', '..', 'blobs', `hash${i}`), join(snapshot, name));
    }
    expect(await logits(snapshot)).toEqual(expected);
    const checkpoint = await openCheckpoint(snapshot);
    expect(checkpoint.folder).toBe(join(checkpoint.directory, '..', '..', 'blobs'));
  });

  it('reads single weights and tells models apart by their bytes', async () => {
    const one = await openCheckpoint(await writeCheckpoint(fresh()));
    const weight = await readWeight(one, 'model.norm.weight');
    expect(weight.shape).toEqual([8]);
    expect(Buffer.from(weight.toBytes())).toEqual(
      Buffer.from(tinyLlamaTensors()['model.norm.weight']!.bytes),
    );
    await expect(readWeight(one, 'absent')).rejects.toThrow(CheckpointError);

    const hash = await hashCheckpoint(one);
    expect(await hashCheckpoint(await openCheckpoint(await writeCheckpoint(fresh())))).toBe(hash);
    const other = { ...tinyLlamaConfig, rms_norm_eps: 1e-6 };
    expect(await hashCheckpoint(await openCheckpoint(await writeCheckpoint(fresh(), other)))).not.toBe(hash);
  });

  it('finds the deepest common folder, and refuses the root', () => {
    expect(commonFolder(['/a/b/c/1', '/a/b/d/2'])).toBe('/a/b');
    expect(commonFolder(['/a/b/1'])).toBe('/a/b');
    expect(() => commonFolder(['/a/1', '/b/2'])).toThrow(CheckpointError);
  });

  it.each([
    ['a shard that is not there', 'model-00003-of-00002.safetensors', /lacks model-00003/],
    ['a tensor in the wrong shard', 'model-00001-of-00002.safetensors', /has no tensor lm_head.weight/],
    ['a path in the index', '../model.safetensors', /a file name ending in/],
  ])('refuses %s', async (_, shard, message) => {
    const directory = await writeSharded(fresh(), (map) => {
      map['lm_head.weight'] = shard;
    });
    await expect(openCheckpoint(directory)).rejects.toThrow(message);
  });

  it('says what is missing', async () => {
    await expect(openCheckpoint(fresh())).rejects.toThrow(/there is no checkpoint at/);
    const empty = fresh();
    await mkdir(empty);
    await expect(openCheckpoint(empty)).rejects.toThrow(/no config.json/);
    await writeFile(join(empty, 'config.json'), '{"model_type": "llama"}');
    await expect(openCheckpoint(empty)).rejects.toThrow(/no weights/);
    await writeFile(join(empty, 'config.json'), '{"model_type": 1}');
    await expect(openCheckpoint(empty)).rejects.toThrow(CheckpointError);
  });
});

describe('what the engine does not build', () => {
  const load = async (
    config: Record<string, unknown>,
    change: (tensors: ReturnType<typeof tinyLlamaTensors>) => void = () => undefined,
  ) => {
    const tensors = tinyLlamaTensors();
    change(tensors);
    return Model.load({ path: await writeCheckpoint(fresh(), config, tensors), provider: 'cpu' });
  };

  it.each([
    [{ model_type: 'mamba' }, UnsupportedModelError, /model_type mamba/],
    [{ hidden_act: 'tanh' }, UnsupportedModelError, /hidden_act "tanh"/],
    [{ rope_parameters: { rope_type: 'yarn', factor: 2 } }, UnsupportedModelError, /"yarn"/],
    [{ rope_parameters: { rope_type: 'linear' } }, UnsupportedModelError, /rope_parameters/],
    [{ num_attention_heads: 3 }, UnsupportedModelError, /num_attention_heads 3/],
    [{ head_dim: 2 ** 20 }, UnsupportedModelError, /head_dim 1048576/],
    [{ num_key_value_heads: 3 }, UnsupportedModelError, /num_key_value_heads 3/],
    [{ num_hidden_layers: 1e9 }, CheckpointError, /num_hidden_layers/],
    [{ vocab_size: 20 }, CheckpointError, /embed_tokens.weight has the shape \[19, 8\]/],
    [{ num_hidden_layers: 3 }, CheckpointError, /no tensor model.layers.2/],
    [{ tie_word_embeddings: false }, CheckpointError, /no tensor lm_head.weight/],
  ])('%j', async (fields, type, message) => {
    const loading = load({ ...tinyLlamaConfig, ...fields });
    await expect(loading).rejects.toThrow(type);
    await expect(loading).rejects.toThrow(message);
  });

  it('a tensor that the architecture does not know, unless it is a buffer of old checkpoints', async () => {
    const extra = { type: 'F32', shape: [1], bytes: new Uint8Array(4) } as const;
    await expect(
      load(tinyLlamaConfig, (tensors) => {
        tensors['model.layers.0.self_attn.q_proj.lora_A.weight'] = extra;
      }),
    ).rejects.toThrow(/lora_A/);
    const model = await load(tinyLlamaConfig, (tensors) => {
      tensors['model.layers.0.self_attn.rotary_emb.inv_freq'] = extra;
    });
    await model.close();
  });
});
