import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PythonRandom } from '../../python/random.ts';
import { norm } from '../sweep/clean-means.ts';
import { headsOf } from '../sweep/head-sweep.ts';
import { randomHeads, randomVector } from './controls.ts';

describe('randomVector', () => {
  it('has the norm that is asked for, and no direction in common with another draw', () => {
    const [a, b] = [1, 2].map((seed) => randomVector(4096, 12.5, new PythonRandom(seed)));
    for (const vector of [a!, b!]) expect(Math.abs(norm(vector) / 12.5 - 1)).toBeLessThan(1e-6);
    const cosine = a!.reduce((sum, value, i) => sum + value * b![i]!, 0) / 12.5 ** 2;
    // Its standard deviation is 1/64.
    expect(Math.abs(cosine)).toBeLessThan(0.08);
    expect(randomVector(4096, 12.5, new PythonRandom(1))).toEqual(a);
  });
});

describe('randomHeads', () => {
  const heads = headsOf({ layers: 3, heads: 4 });

  it('are as many as were chosen, none of them, in order', () => {
    fc.assert(
      fc.property(fc.nat(), fc.subarray(heads), (seed, chosen) => {
        const drawn = randomHeads(heads, chosen, new PythonRandom(seed));
        expect(drawn).toHaveLength(Math.min(chosen.length, heads.length - chosen.length));
        expect(
          headsOf({ layers: 3, heads: 4 }).filter((head) => drawn.some((one) => same(one, head))),
        ).toEqual(drawn);
        expect(drawn.some((one) => chosen.some((head) => same(one, head)))).toBe(false);
      }),
    );
  });
});

function same(
  a: { readonly layer: number; readonly head: number },
  b: { readonly layer: number; readonly head: number },
) {
  return a.layer === b.layer && a.head === b.head;
}
