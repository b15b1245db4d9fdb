import { describe, expect, it } from 'vitest';
import { functionVector, vectorsByLayer } from './function-vector.ts';

const sizes = { heads: 2, headDim: 2 };
/** Means of two layers of two heads of two values: 0 to 7. */
const means = Float32Array.from({ length: 8 }, (_, i) => i);
/** Three rows: the sum of all columns, and the columns of either head times ten. */
const projection = {
  matrix: Float32Array.from([1, 1, 1, 1, 10, 10, 0, 0, 0, 0, 10, 10]),
  bias: Float32Array.from([100, 0, 0]),
  hidden: 3,
  width: 4,
};

describe('functionVector', () => {
  it('sums heads through their columns, the bias once a head', async () => {
    const heads = [
      { layer: 1, head: 1 },
      { layer: 0, head: 0 },
    ];
    const asked: number[] = [];
    const vector = await functionVector(means, sizes, heads, async (layer) => {
      asked.push(layer);
      return projection;
    });
    expect([...vector]).toEqual([6 + 7 + 0 + 1 + 200, 10, 130]);
    expect(asked).toEqual([1, 0]);
  });

  it('has no bias where there is none', async () => {
    const vector = await functionVector(means, sizes, [{ layer: 0, head: 1 }], async () => ({
      ...projection,
      bias: undefined,
    }));
    expect([...vector]).toEqual([5, 0, 50]);
  });
});

describe('vectorsByLayer', () => {
  it('puts the means of the chosen heads in their places', () => {
    const vectors = vectorsByLayer(means, sizes, [{ layer: 1, head: 1 }], [0, 1]);
    expect([...vectors].map(([layer, values]) => [layer, ...values])).toEqual([
      [0, 0, 0, 0, 0],
      [1, 0, 0, 6, 7],
    ]);
  });
});
