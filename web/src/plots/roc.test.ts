import fc from 'fast-check';
import { expect, it } from 'vitest';
import { auroc, rankScores } from '../../../ingest/stats/index.ts';
import { areaBelow, rocCurve } from './roc.ts';
import { csvOf } from './save.ts';

const scored = fc.array(
  fc.record({ score: fc.integer({ min: 0, max: 20 }).map((n) => n / 20), positive: fc.boolean() }),
  { minLength: 2 },
);

it('has the area that the rank statistic gives, ties included', () => {
  fc.assert(
    fc.property(scored, (rows) => {
      fc.pre(new Set(rows.map(({ positive }) => positive)).size === 2);
      const expected = auroc(
        rankScores(
          rows.map(({ score }) => score),
          rows.map(({ positive }) => Number(positive)),
        ),
      );
      expect(areaBelow(rocCurve(rows))).toBeCloseTo(expected, 12);
    }),
  );
});

it('is no curve without both classes', () => {
  expect(rocCurve([{ score: 0.1, positive: true }])).toEqual([]);
});

it('writes CSV that keeps commas, quotes and line ends', () => {
  expect(
    csvOf([
      { a: 'x,"y"\n', b: 0.1 },
      { a: null, c: true },
    ]),
  ).toBe('a,b,c\r\n"x,""y""\n",0.1,\r\n,,true\r\n');
});
