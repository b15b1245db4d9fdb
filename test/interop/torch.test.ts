import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fileSource } from '../../ingest/formats/bytes/file-source.ts';
import { toPlain } from '../../ingest/formats/pickle/plain.ts';
import { Tensor } from '../../ingest/formats/tensor/tensor.ts';
import { readTorch } from '../../ingest/formats/torch/read-torch.ts';
import { sharedDir } from '../support/shared.ts';

const tensor = z.instanceof(Tensor);
const vector = z.object({ fv_global_resid: tensor, resid_dim: z.int(), n_heads: z.int() });
const byLayer = z.object({ fv_by_layer: z.record(z.string(), tensor), model_spec: z.string() });
const cleanMean = z.object({ clean_mean: tensor, slot_q: z.int(), head_dim: z.int() });

const expectation = z.object({
  fv_global: z.object({
    shape: z.array(z.int()),
    norm: z.number(),
    sum: z.number(),
    first8: z.array(z.number()),
    sha256_float32_le: z.string(),
  }),
  fv_by_layer_norms: z.record(z.string(), z.number()),
  clean_mean: z.object({ shape: z.array(z.int()), slot_q: z.int(), norm: z.number() }),
});

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** Tensors written by the function-vector pipeline against the numbers recorded when it ran. */
describe.skipIf(sharedDir === undefined)('torch files of function vectors', () => {
  const base = `${sharedDir}fixtures/fv/`;
  const read = async (path: string) => {
    const source = fileSource(base + path, (await stat(base + path)).size);
    try {
      return await readTorch(source);
    } finally {
      await source.close();
    }
  };

  it.each(['run_small_llama_a', 'run_full_llama_a'])('%s', async (run) => {
    const all = JSON.parse(readFileSync(`${base}expected.json`, 'utf8'));
    const expected = expectation.parse(all.runs[`${run}/Q3`] ?? all.runs[run].Q3);
    const folder = `${run}/relationA_ex/Q3/artifacts/`;

    const global = vector.parse(toPlain(await read(`${folder}fv_global_resid.pt`))).fv_global_resid;
    const values = global.toFloat32();
    expect(global.shape).toEqual(expected.fv_global.shape);
    expect(createHash('sha256').update(global.toBytes()).digest('hex')).toBe(
      expected.fv_global.sha256_float32_le,
    );
    expect([...values.subarray(0, 8)]).toEqual(expected.fv_global.first8);
    expect(norm(values)).toBeCloseTo(expected.fv_global.norm, 4);

    const layers = byLayer.parse(toPlain(await read(`${folder}fv_by_layer.pt`))).fv_by_layer;
    expect(Object.keys(layers)).toEqual(Object.keys(expected.fv_by_layer_norms));
    for (const [layer, value] of Object.entries(layers)) {
      expect(norm(value.toFloat32())).toBeCloseTo(expected.fv_by_layer_norms[layer]!, 4);
    }

    for (const name of ['qid_Q3_clean_mean.pt', 'global_clean_mean.pt']) {
      const mean = cleanMean.parse(toPlain(await read(`${folder}stepD_mean_acts/${name}`)));
      expect(mean.slot_q).toBe(expected.clean_mean.slot_q);
      expect(mean.clean_mean.shape).toEqual(expected.clean_mean.shape);
      // A view of [layers, heads, slots, head_dim] at one slot.
      expect(mean.clean_mean.offset).toBe(mean.slot_q * mean.head_dim);
      expect(mean.clean_mean.contiguous).toBe(false);
      expect(norm(mean.clean_mean.toFloat32())).toBeCloseTo(expected.clean_mean.norm, 4);
    }
    const bare = await read(`${folder}mean_activations.pt`);
    expect(norm(tensor.parse(bare).toFloat32())).toBeCloseTo(expected.clean_mean.norm, 4);
  });
});
