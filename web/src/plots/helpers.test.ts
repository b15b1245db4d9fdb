import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilsonInterval } from '../../../compute/stats/index.ts';
import { backToBack, pairedBins } from './back-to-back.ts';
import { wilson } from './intervals.ts';
import { type LegendEntry, legendHeight, placeLegend } from './legend.ts';
import { axisFormat, wholeTicks } from './ticks.ts';

it("has Wilson's interval as the server has it", () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.nat(2000), (a, b) => {
      const [successes, trials] = [Math.min(a, b), Math.max(a, b)];
      const [mine, servers] = [wilson(successes, trials), wilsonInterval(successes, trials)];
      expect(mine.low).toBeCloseTo(servers.low, 12);
      expect(mine.high).toBeCloseTo(servers.high, 12);
    }),
  );
});

describe('axes', () => {
  it('label whole numbers, fewer where there are many', () => {
    expect(wholeTicks([0, 1, 2, 4])).toEqual([0, 1, 2, 3, 4]);
    expect(wholeTicks([0, 31])).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]);
    expect(wholeTicks([7])).toEqual([7]);
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { minLength: 1 }), (values) => {
        const ticks = wholeTicks(values);
        expect(ticks.length).toBeLessThanOrEqual(60);
        expect(ticks[0]).toBe(Math.min(...values));
      }),
    );
  });

  it('write all numbers in one notation', () => {
    expect([-0.005, 0, 0.0005].map(axisFormat([-0.005, 0.0005]))).toEqual(['−5 e−3', '0', '5 e−4']);
    expect([0.1, 0.25, 0.30000000000000004].map(axisFormat([1]))).toEqual(['0.1', '0.25', '0.3']);
    expect([8e-7, 1.28e-5].map(axisFormat([1.28e-5]))).toEqual(['8 e−7', '1.28 e−5']);
    expect([2e7].map(axisFormat([2e7]))).toEqual(['2 e7']);
  });
});

describe('a legend', () => {
  const entries: LegendEntry[] = ['function vector', 'random vector of its length', 'nothing added'].map(
    (label) => ({ label, colour: '#000000', sign: 'line' }),
  );

  it('takes the rows that it needs', () => {
    expect(new Set(placeLegend(entries, 720).map(({ row }) => row))).toEqual(new Set([0]));
    expect(placeLegend(entries, 200).map(({ x, row }) => [x, row])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    expect(legendHeight(entries, 200)).toBeGreaterThan(legendHeight(entries, 720));
    expect(legendHeight([], 200)).toBe(0);
  });
});

describe('two histograms back to back', () => {
  const counted = fc.array(
    fc.record({
      value: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
      above: fc.nat(9),
      below: fc.nat(9),
    }),
    { minLength: 1 },
  );

  it('count everything once', () => {
    fc.assert(
      fc.property(counted, fc.integer({ min: 1, max: 50 }), (values, bins) => {
        const found = pairedBins(values, { bins });
        expect(found.length).toBeLessThanOrEqual(bins);
        for (const side of ['above', 'below'] as const) {
          const sum = (rows: readonly { readonly above: number; readonly below: number }[]) =>
            rows.reduce((total, row) => total + row[side], 0);
          expect(sum(found)).toBe(sum(values));
        }
      }),
    );
  });

  it('give one value a bin around it, and nothing none', () => {
    const [bin, ...others] = pairedBins([{ value: 0.5, above: 2, below: 1 }], { bins: 30 });
    expect(others).toEqual([]);
    expect(bin?.low).toBeLessThan(0.5);
    expect(bin?.high).toBeGreaterThan(0.5);
    expect(pairedBins([], { bins: 30 })).toEqual([]);
    const near = [0, Number.MIN_VALUE].map((value) => ({ value, above: 1, below: 0 }));
    expect(pairedBins(near, { bins: 2 }).map(({ above }) => above)).toEqual([2]);
  });

  it('say what counts both ways', () => {
    const entry = (label: string): LegendEntry => ({ label, colour: '#000000', sign: 'area' });
    const plot = backToBack([], { above: entry('a'), below: entry('b'), counted: 'answers', x: 'score' });
    expect(plot.y?.tickFormat).toBeTypeOf('function');
    expect(plot.y?.label).toBe('answers');
  });
});
