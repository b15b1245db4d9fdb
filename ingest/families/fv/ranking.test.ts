import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Moments } from './moments.ts';
import { bestLayer, rankHeads } from './ranking.ts';

const scored = fc.array(
  fc.record({
    layer: fc.nat(5),
    head: fc.nat(5),
    score: fc.option(fc.oneof(fc.constantFrom(0, -0, 0.5, Infinity, -Infinity, Number.NaN), fc.double()), {
      nil: undefined,
    }),
  }),
);

test('heads are in the order of (-score, layer, head); those without a score have none', () => {
  fc.assert(
    fc.property(scored, (heads) => {
      const ranked = rankHeads(heads, ({ score }) => score);
      expect(ranked.length).toBe(
        heads.filter(({ score }) => score !== undefined && !Number.isNaN(score)).length,
      );
      for (const [i, b] of ranked.entries()) {
        const a = ranked[i - 1];
        if (a === undefined) continue;
        const [x, y] = [Number(a.score), Number(b.score)];
        expect(x > y || (x === y && (a.layer < b.layer || (a.layer === b.layer && a.head <= b.head)))).toBe(
          true,
        );
      }
    }),
  );
});

test('the best layer is the first of those with the greatest value', () => {
  expect(
    bestLayer([
      [0, -1],
      [1, 2],
      [2, 2],
      [3, Number.NaN],
    ]),
  ).toBe(1);
  expect(bestLayer([[4, Number.NaN]])).toBeUndefined();
  expect(bestLayer([])).toBeUndefined();
});

test('moments are those of two passes over the values', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 40 }),
      (values) => {
        const moments = new Moments();
        for (const value of values) moments.add(value);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expect(moments.n).toBe(values.length);
        expect(moments.mean).toBeCloseTo(mean, 9);
        expect(moments.std).toBeCloseTo(values.length < 2 ? 0 : Math.sqrt(squares / values.length), 6);
        const absolute = values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
        expect(moments.meanAbs).toBeCloseTo(absolute, 9);
      },
    ),
  );
});
