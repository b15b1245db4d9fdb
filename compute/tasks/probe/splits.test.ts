import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../stats/index.ts';
import { deal, NOT_IN_A_FOLD, splitsOf } from './splits.ts';

const rows = fc.array(
  fc.record({ group: fc.integer({ min: 0, max: 12 }), label: fc.integer({ min: 0, max: 1 }) }),
  {
    minLength: 1,
    maxLength: 60,
  },
);
const grouped = (all: readonly { group: number; label: number }[]) => ({
  groups: Int32Array.from(all, ({ group }) => group),
  labels: Uint8Array.from(all, ({ label }) => label),
});

test('nothing of a group is both learnt from and tested on, and every row is tested once', () => {
  const protocol = fc.oneof(
    fc.constant({ kind: 'holdout', testShare: 0.3 } as const),
    fc.constant({ kind: 'cross_validation', folds: 4 } as const),
  );
  fc.assert(
    fc.property(rows, protocol, fc.integer(), (all, how, seed) => {
      const data = grouped(all);
      const splits = splitsOf(data, how, 3, seededRandom(seed));
      expect(splitsOf(data, how, 3, seededRandom(seed))).toEqual(splits);
      const tested = new Uint8Array(all.length);
      for (const { train, test, inner } of splits) {
        const partOf = new Map<number, string>();
        all.forEach(({ group }, row) => {
          expect(train[row]! + test[row]!).toBe(1);
          expect(inner[row] === NOT_IN_A_FOLD).toBe(train[row] === 0);
          const part = test[row] === 1 ? 'test' : `inner ${inner[row]}`;
          expect(partOf.get(group) ?? part).toBe(part);
          partOf.set(group, part);
          tested[row]! += test[row]!;
        });
      }
      if (how.kind === 'cross_validation') expect(tested.every((times) => times === 1)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('parts have their share of both classes, to one where groups are single rows', () => {
  const labels = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(labels, fc.constantFrom([0.5, 0.5], [0.7, 0.3], [0.25, 0.25, 0.25, 0.25]), (all, shares) => {
      const data = grouped(all.map((label, group) => ({ group, label })));
      const parts = deal(data, new Uint8Array(all.length).fill(1), shares, seededRandom(1));
      for (const label of [0, 1]) {
        const total = all.filter((own) => own === label).length;
        shares.forEach((share, part) => {
          const count = all.filter((own, row) => own === label && parts[row] === part).length;
          expect(Math.abs(count - share * total)).toBeLessThanOrEqual(1);
        });
      }
    }),
    { numRuns: 50 },
  );
});

test('prompts of the given test rows are not learnt from', () => {
  const data = grouped([0, 0, 1, 2, 2].map((group) => ({ group, label: group % 2 })));
  const [split] = splitsOf(data, { kind: 'given', test: Uint8Array.of(1, 0, 0, 0, 0) }, 2, seededRandom(0));
  expect(split!.train).toEqual(Uint8Array.of(0, 0, 1, 1, 1));
});
