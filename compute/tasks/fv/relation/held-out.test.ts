import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sampleTrials } from '../trials/sample.ts';
import { reservedRows, unusedRows } from './held-out.ts';
import type { Relation } from './relation.ts';

function relationOf(inputs: readonly string[]): Relation {
  return { queries: new Map([['Q', inputs.map((input) => ({ input, output: `${input}!` }))]]), dropped: [] };
}

const letters = relationOf([...'abcdefghijkl']);

it('reserved rows are in no trial, and are evaluated on', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 8 }), (seed, heldOut) => {
      const reserved = reservedRows(letters, 'Q', { seed, heldOut });
      expect(reserved.size).toBe(heldOut);
      const options = { seed, trials: 6, demos: 3, corruption: 'shuffled', reserved } as const;
      const trials = sampleTrials(letters, ['Q'], options);
      const unused = unusedRows(letters, 'Q', trials).map(({ input }) => input);
      const shown = trials.flatMap(({ query, demos }) => [query, ...demos].map(({ input }) => input));
      expect(unused.some((input) => shown.includes(input))).toBe(false);
      const rows = letters.queries.get('Q')!;
      expect(unused).toEqual(expect.arrayContaining([...reserved].map((row) => rows[row]!.input)));
      for (const { queryIndex, demoIndices } of trials) {
        for (const row of [queryIndex, ...demoIndices]) expect(reserved.has(row)).toBe(false);
      }
    }),
  );
});

it('draws the trials of the contract where nothing is reserved', () => {
  const options = { seed: 3, trials: 6, demos: 3, corruption: 'shuffled' } as const;
  expect(sampleTrials(letters, ['Q'], { ...options, reserved: new Set() })).toEqual(
    sampleTrials(letters, ['Q'], options),
  );
});

it('a row whose input a trial has shown is used', () => {
  const twice = relationOf(['a', 'b', 'c', 'a']);
  const reserved = new Set([3]);
  const trials = sampleTrials(twice, ['Q'], {
    seed: 0,
    trials: 9,
    demos: 2,
    corruption: 'shuffled',
    reserved,
  });
  expect(unusedRows(twice, 'Q', trials)).toEqual([]);
});

it('refuses trials when too few rows are left', () => {
  const reserved = reservedRows(letters, 'Q', { seed: 0, heldOut: 99 });
  expect(reserved.size).toBe(12);
  const options = { seed: 0, trials: 1, demos: 1, corruption: 'shuffled', reserved } as const;
  expect(() => sampleTrials(letters, ['Q'], options)).toThrow(/0 rows for trials/);
});
