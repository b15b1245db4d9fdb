import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelMemoryError } from '../errors.ts';
import { tinyModelInfo } from '../testing.ts';
import { planRuns, runBytes } from './planner.ts';

const work = fc.record({
  rows: fc.array(fc.record({ tokens: fc.integer({ min: 1, max: 200 }) }), { maxLength: 60 }),
  before: fc.integer({ min: 0, max: 100 }),
  read: fc.constantFrom('last' as const, 'all' as const),
});

describe('batch planner', () => {
  it('puts every row in one run, within memory, rows and padding', () => {
    fc.assert(
      fc.property(
        work,
        fc.record({
          memoryBytes: fc.integer({ min: 10_000, max: 10_000_000 }),
          maxRows: fc.integer({ min: 1, max: 20 }),
          maxPadding: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        (given, limits) => {
          const bytes = (rows: number, tokens: number) =>
            runBytes(tinyModelInfo, {
              rows,
              tokens,
              before: given.before,
              read: given.read === 'all' ? tokens : 1,
            });
          const longest = Math.max(0, ...given.rows.map((row) => row.tokens));
          if (given.rows.length > 0 && bytes(1, longest) > limits.memoryBytes) {
            expect(() => planRuns(tinyModelInfo, given, limits)).toThrow(ModelMemoryError);
            return;
          }
          const runs = planRuns(tinyModelInfo, given, limits);
          expect(runs.flat().sort((a, b) => a - b)).toEqual(given.rows.map((_, row) => row));
          for (const run of runs) {
            const lengths = run.map((row) => given.rows[row]!.tokens);
            const most = Math.max(...lengths);
            const real = lengths.reduce((sum, length) => sum + length, 0);
            expect(run.length).toBeGreaterThan(0);
            expect(run.length).toBeLessThanOrEqual(limits.maxRows);
            expect(bytes(run.length, most)).toBeLessThanOrEqual(limits.memoryBytes);
            expect(run.length * most - real).toBeLessThanOrEqual(limits.maxPadding * real);
          }
        },
      ),
    );
  });

  it('is the same for the same work, and fills runs', () => {
    const rows = Array.from({ length: 100 }, () => ({ tokens: 10 }));
    const limits = { memoryBytes: 2 ** 30, maxRows: 32 };
    const runs = planRuns(tinyModelInfo, { rows }, limits);
    expect(runs.map((run) => run.length)).toEqual([32, 32, 32, 4]);
    expect(planRuns(tinyModelInfo, { rows }, limits)).toEqual(runs);
  });

  it('counts more for more of anything', () => {
    const shape = fc.record({
      rows: fc.integer({ min: 1, max: 100 }),
      tokens: fc.integer({ min: 1, max: 100 }),
      before: fc.nat(100),
      read: fc.nat(100),
    });
    fc.assert(
      fc.property(shape, fc.constantFrom('rows', 'tokens', 'before', 'read'), (small, more) => {
        const large = { ...small, [more]: small[more] + 1 };
        expect(runBytes(tinyModelInfo, large)).toBeGreaterThan(runBytes(tinyModelInfo, small));
      }),
    );
  });
});
