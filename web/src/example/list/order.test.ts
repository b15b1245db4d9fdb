import fc from 'fast-check';
import { expect, it } from 'vitest';
import { after, type Key, orderByOf, reversed } from './order.ts';

type Row = Readonly<Record<string, string | number | boolean | null>>;

/** What the API makes of a filter, on rows in memory: a condition on a missing value is false. */
function satisfies(row: Row, filter: unknown): boolean {
  return Object.entries(Object(filter)).every(([name, operand]) => {
    if (name === 'and') return Array.isArray(operand) && operand.every((part) => satisfies(row, part));
    if (name === 'or') return Array.isArray(operand) && operand.some((part) => satisfies(row, part));
    const value = row[name] ?? null;
    return Object.entries(Object(operand)).every(([operator, wanted]) => {
      if (operator === 'isNull') return (value === null) === wanted;
      if (value === null) return false;
      if (operator === 'eq') return value === wanted;
      if (operator === 'gt') return Number(value) > Number(wanted);
      if (operator === 'lt') return Number(value) < Number(wanted);
      throw new Error(`no operator ${operator}`);
    });
  });
}

function compare(keys: readonly Key[], a: Row, b: Row): number {
  for (const { field, descending = false, nullsFirst = false } of keys) {
    const [x, y] = [a[field] ?? null, b[field] ?? null];
    if (x === y) continue;
    if (x === null) return nullsFirst ? -1 : 1;
    if (y === null) return nullsFirst ? 1 : -1;
    return x < y === descending ? 1 : -1;
  }
  return 0;
}

const rows = fc.array(
  fc.record({
    score: fc.option(fc.integer({ min: 0, max: 4 })),
    correct: fc.option(fc.boolean()),
    line: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
);
const key = (field: string): fc.Arbitrary<Key> =>
  fc.record({ field: fc.constant(field), descending: fc.boolean(), nullsFirst: fc.boolean() });
const order = fc
  .shuffledSubarray(['score', 'correct', 'line'], { minLength: 3 })
  .chain((fields) => fc.tuple(...fields.map(key)));

it('leaves the rows after a row, whatever the order, and with the order reversed those before it', () => {
  fc.assert(
    fc.property(rows, order, (all, keys) => {
      for (const row of all) {
        const later = all.filter((other) => satisfies(other, after(keys, row)));
        expect(later).toEqual(all.filter((other) => compare(keys, other, row) > 0));
        const earlier = all.filter((other) => satisfies(other, after(reversed(keys), row)));
        expect(earlier).toEqual(all.filter((other) => compare(keys, other, row) < 0));
      }
    }),
  );
});

it('names fields as the API does', () => {
  expect(
    orderByOf([
      { field: 'scoreHalu', descending: true },
      { field: 'deltaP', nullsFirst: true },
    ]),
  ).toEqual([
    { field: 'SCORE_HALU', direction: 'DESC', nulls: 'LAST' },
    { field: 'DELTA_P', direction: 'ASC', nulls: 'FIRST' },
  ]);
});
