import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelMemoryError } from '../../../model/index.ts';
import { tinyModelInfo } from '../../../model/testing.ts';
import { planReadings } from './plan.ts';

const work = fc.record({
  lengths: fc.array(fc.integer({ min: 2, max: 40 }), { maxLength: 12 }),
  readings: fc.integer({ min: 1, max: 30 }),
  reference: fc.boolean(),
});
const limits = fc.record({
  memoryBytes: fc.integer({ min: 150_000, max: 2_000_000 }),
  maxRows: fc.integer({ min: 2, max: 50 }),
});

describe('the plan of readings', () => {
  it('has every reading of every prompt once, in order, within the limit of rows', () =>
    fc.assert(
      fc.property(work, limits, (some, within) => {
        const runs = planReadings(tinyModelInfo, some, within);
        expect(runs.flatMap(({ prompts }) => prompts)).toEqual([...some.lengths.keys()]);
        for (const { prompts, batches } of runs) {
          const readings = batches.flatMap(({ from, to }) =>
            Array.from({ length: to - from }, (_, i) => from + i),
          );
          expect(readings).toEqual(Array.from({ length: some.readings }, (_, i) => i));
          const late = (from: number) => (from > 0 && !some.reference ? 1 : 0);
          const rows = batches.map(({ from, to }) => prompts.length * (to - from + late(from)));
          expect(Math.max(...rows)).toBeLessThanOrEqual(some.reference ? 1 : within.maxRows);
        }
      }),
    ));

  it('reads as many prompts together as the limits allow, in parts of like size', () => {
    const lengths = new Array<number>(25).fill(10);
    const plan = (maxRows: number, memoryBytes = 1e9) =>
      planReadings(tinyModelInfo, { lengths, readings: 5, reference: false }, { memoryBytes, maxRows });
    expect(plan(1024).map(({ prompts }) => prompts.length)).toEqual([25]);
    expect(plan(100).map(({ prompts }) => prompts.length)).toEqual([13, 12]);
    expect(plan(4)[0]).toEqual({
      prompts: [0],
      batches: [
        { from: 0, to: 3 },
        { from: 3, to: 5 },
      ],
    });
    expect(plan(1024, 200_000).length).toBeGreaterThan(1);
    expect(() => plan(1024, 1000)).toThrow(ModelMemoryError);
  });
});
