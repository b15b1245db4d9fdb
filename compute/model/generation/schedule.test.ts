import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tinyModelInfo } from '../testing.ts';
import { admissible, batchBytes } from './schedule.ts';

const demands = fc.array(fc.record({ tokens: fc.integer({ min: 1, max: 300 }), captured: fc.nat(100_000) }), {
  maxLength: 20,
});

describe('schedule', () => {
  it('lets in as many as rows and memory allow, in order, and not one more', () => {
    fc.assert(
      fc.property(
        demands,
        demands,
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 10_000_000 }),
        (running, waiting, maxRows, memoryBytes) => {
          const fits = (count: number) => {
            const together = [...running, ...waiting.slice(0, count)];
            return together.length <= maxRows && batchBytes(tinyModelInfo, together) <= memoryBytes;
          };
          const count = admissible(tinyModelInfo, running, waiting, { maxRows, memoryBytes });
          expect(count === 0 || fits(count)).toBe(true);
          expect(count === waiting.length || !fits(count + 1)).toBe(true);
        },
      ),
    );
  });

  it('counts more for more rows, longer ones and more vectors', () => {
    const one = { tokens: 40, captured: 10 };
    const bytes = batchBytes(tinyModelInfo, [one]);
    expect(batchBytes(tinyModelInfo, [])).toBe(0);
    expect(batchBytes(tinyModelInfo, [one, one])).toBeGreaterThanOrEqual(2 * bytes);
    expect(batchBytes(tinyModelInfo, [{ ...one, tokens: 80 }])).toBeGreaterThan(bytes);
    expect(batchBytes(tinyModelInfo, [{ ...one, captured: 11 }])).toBe(bytes + 1);
  });
});
