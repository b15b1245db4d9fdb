import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { floatCount, toFloat32 } from '../lake/parquet/floats/floats.ts';
import { activationRows, meanVector } from './activations.ts';
import type { ActivationOptions, LayerValues, StoreEntry } from './family.ts';

function entry(layers: (LayerValues | undefined)[], promptTokens?: number, firstToken = 0): StoreEntry {
  return {
    key: 'k',
    exampleId: 'e',
    modelId: 'm',
    prompt: 'p',
    response: 'r',
    hasActivations: true,
    meta: '{}',
    site: 'resid_post',
    layerCount: layers.length,
    promptTokens,
    firstToken,
    tokenRecords: [],
    layer: async (index) => layers[index],
  };
}

function layer(tokens: number, dim: number, at = 0, dtype = 'float16'): LayerValues {
  return { values: Float32Array.from({ length: tokens * dim }, (_, i) => at + i), tokens, dim, dtype };
}

async function rows(of: StoreEntry, options: Partial<ActivationOptions> = {}) {
  const out: { layer: number; token: number; segment: number; vector: number[]; dtype: string }[] = [];
  for await (const batch of activationRows(of, { tokens: 'all', sequence: 'recorded', ...options })) {
    expect(floatCount(batch.vectors)).toBe(batch.rows * batch.dim);
    for (let row = 0; row < batch.rows; row++) {
      out.push({
        layer: batch.layer[row]!,
        token: batch.tokenIndex[row]!,
        segment: batch.segment[row]!,
        vector: [...toFloat32(batch.vectors).subarray(row * batch.dim, (row + 1) * batch.dim)],
        dtype: batch.dtype,
      });
    }
  }
  return out;
}

describe('rows of an entry', () => {
  test('one a token and layer, with its segment and its place in the recorded sequence', async () => {
    const all = await rows(entry([layer(3, 2), undefined, layer(3, 2, 100)], 1, 5));
    expect(all.map((r) => [r.layer, r.token, r.segment, r.vector[0]])).toEqual([
      [0, 5, 1, 0],
      [0, 6, 2, 2],
      [0, 7, 2, 4],
      [2, 5, 1, 100],
      [2, 6, 2, 102],
      [2, 7, 2, 104],
    ]);
  });

  test('the last token', async () => {
    const last = await rows(entry([layer(3, 2), layer(3, 2, 10)], 1), { tokens: 'last' });
    expect(last.map((r) => [r.layer, r.token, r.segment, r.vector])).toEqual([
      [0, 2, 2, [4, 5]],
      [1, 2, 2, [14, 15]],
    ]);
  });

  test('the mean has no token; its segment is known where all tokens agree', async () => {
    const both = await rows(entry([layer(2, 2)], 1), { tokens: 'mean' });
    expect(both).toEqual([{ layer: 0, token: -1, segment: 0, vector: [1, 2], dtype: 'float16' }]);
    const response = await rows(entry([layer(2, 2)], 0), { tokens: 'mean' });
    expect(response[0]!.segment).toBe(2);
    const unknown = await rows(entry([layer(2, 2)]), { tokens: 'mean' });
    expect(unknown[0]!.segment).toBe(0);
  });

  test('chosen layers only; layers of another width or type are batches of their own', async () => {
    const mixed = entry([layer(1, 2), layer(1, 3), layer(1, 3, 0, 'float32')]);
    expect((await rows(mixed)).map((r) => [r.layer, r.vector.length, r.dtype])).toEqual([
      [0, 2, 'float16'],
      [1, 3, 'float16'],
      [2, 3, 'float32'],
    ]);
    expect((await rows(mixed, { layers: [1] })).map((r) => r.layer)).toEqual([1]);
    expect(await rows(entry([layer(0, 2)]))).toEqual([]);
  });

  test('large layers do not wait for each other', async () => {
    const big = entry([layer(1024, 1024), layer(1024, 1024)]);
    let batches = 0;
    for await (const batch of activationRows(big, { tokens: 'all', sequence: 'recorded' })) {
      expect(batch.rows).toBe(1024);
      batches++;
    }
    expect(batches).toBe(2);
  });
});

test('means are those of double precision', () => {
  const values = fc.float32Array({
    minLength: 6,
    maxLength: 6,
    noNaN: true,
    max: 2 ** 100,
    min: -(2 ** 100),
  });
  fc.assert(
    fc.property(values, (v) => {
      const mean = meanVector(v, 3, 2);
      expect(mean[0]).toBe(Math.fround((v[0]! + v[2]! + v[4]!) / 3));
    }),
  );
});
