import fc from 'fast-check';
import { expect, it } from 'vitest';
import { COLUMN_IDS, DEFAULT_COLUMNS, FIRST_COLUMN, ORDERS } from './columns.ts';
import { FACETS, filterArgument } from './run-filter.ts';
import {
  ALL_RUNS,
  isSelected,
  MOST_IN_ADDRESS,
  NO_RUNS,
  type Selection,
  selectedCount,
  selectionArgument,
  selectionOf,
  withRuns,
} from './selection.ts';
import { addressOf, argumentsOf, type RunsView, viewOf } from './view.ts';

const text = fc.string({ minLength: 1, unit: 'grapheme' });
const day = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const ids = (maxLength: number) => fc.uniqueArray(text, { maxLength }).map((list) => new Set(list));
const views: fc.Arbitrary<RunsView> = fc.record({
  filter: fc.record({
    oneOf: fc.record(
      Object.fromEntries(
        FACETS.map((facet) => [facet, fc.uniqueArray(text, { minLength: 1, maxLength: 3 })]),
      ),
      { requiredKeys: [] },
    ),
    text: fc.string(),
    withIssues: fc.boolean(),
    from: fc.option(day),
    to: fc.option(day),
  }),
  order: fc.record({ field: fc.constantFrom(...ORDERS), descending: fc.boolean() }),
  columns: fc
    .subarray([...COLUMN_IDS])
    .map((chosen) => COLUMN_IDS.filter((id) => id === FIRST_COLUMN || chosen.includes(id))),
  metrics: fc.uniqueArray(text, { maxLength: 3 }),
});
const selections: fc.Arbitrary<Selection> = fc.record({
  all: fc.boolean(),
  ids: fc.oneof(ids(4), ids(MOST_IN_ADDRESS + 20)),
});

it('reads from an address the view and the selection that it was made of', () => {
  fc.assert(
    fc.property(views, selections, (view, selection) => {
      const { address, state } = addressOf(view, selection);
      const read = new URLSearchParams(address.toString());
      expect(viewOf(read)).toEqual({
        ...view,
        filter: { ...view.filter, oneOf: { ...view.filter.oneOf } },
      });
      expect(selectionOf(read, state)).toEqual(selection);
    }),
  );
});

it('keeps addresses short: a large selection is in the history', () => {
  const many = withRuns(
    NO_RUNS,
    Array.from({ length: MOST_IN_ADDRESS + 1 }, (_, i) => `run ${i}`),
    true,
  );
  const { address, state } = addressOf(viewOf(new URLSearchParams()), many);
  expect(address.toString()).toBe('');
  expect(selectionOf(address, state)).toEqual(many);
  expect(selectionOf(address, { anything: 1 })).toEqual(NO_RUNS);
});

it('shows everything, the latest first, at an address without parameters or with nonsense', () => {
  const plain = viewOf(new URLSearchParams());
  expect(addressOf(plain, NO_RUNS).address.toString()).toBe('');
  const nonsense = 'order=NOTHING.desc&family=&x=1&from=2026-02-30&to=yesterday&metric=';
  expect(viewOf(new URLSearchParams(nonsense))).toEqual(plain);
  expect(viewOf(new URLSearchParams('columns=nothing')).columns).toEqual([FIRST_COLUMN]);
  expect(plain.columns).toEqual(DEFAULT_COLUMNS);
  expect(argumentsOf(plain)).toEqual({ filter: {}, orderBy: [{ field: 'INGESTED_AT', direction: 'DESC' }] });
});

it('asks for what the view says', () => {
  const address =
    'family=FV&method=a&method=b&text=seed_0&issues=some&from=2026-02-28&to=2026-02-28&order=SEED.asc';
  expect(argumentsOf(viewOf(new URLSearchParams(address)))).toEqual({
    filter: {
      family: { eq: 'FV' },
      method: { in: ['a', 'b'] },
      id: { contains: 'seed_0' },
      nIssues: { gt: 0 },
      createdAt: { gte: '2026-02-28T00:00:00Z', lt: '2026-03-01T00:00:00.000Z' },
    },
    orderBy: [{ field: 'SEED', direction: 'ASC' }],
  });
  expect(filterArgument(viewOf(new URLSearchParams('to=2026-01-01')).filter)).toEqual({
    createdAt: { lt: '2026-01-02T00:00:00.000Z' },
  });
});

it('selects and releases, from none and from all', () => {
  const runs = fc.constantFrom('a', 'b', 'c', 'd');
  const steps = fc.array(fc.record({ some: fc.uniqueArray(runs), chosen: fc.boolean() }));
  fc.assert(
    fc.property(fc.boolean(), steps, (all, changes) => {
      const expected = new Set(all ? ['a', 'b', 'c', 'd'] : []);
      let selection = all ? ALL_RUNS : NO_RUNS;
      for (const { some, chosen } of changes) {
        selection = withRuns(selection, some, chosen);
        for (const id of some) chosen ? expected.add(id) : expected.delete(id);
      }
      expect(['a', 'b', 'c', 'd'].filter((id) => isSelected(selection, id))).toEqual([...expected].sort());
      expect(selectedCount(selection, 4)).toBe(expected.size);
    }),
  );
});

it('tells the API which runs are chosen', () => {
  const filter = { family: { eq: 'FV' } };
  expect(selectionArgument(NO_RUNS, filter)).toEqual(filter);
  expect(selectionArgument(withRuns(NO_RUNS, ['a'], true), filter)).toEqual({
    and: [filter, { id: { in: ['a'] } }],
  });
  expect(selectionArgument(withRuns(ALL_RUNS, ['a'], false), filter)).toEqual({
    and: [filter, { not: { id: { in: ['a'] } } }],
  });
});
