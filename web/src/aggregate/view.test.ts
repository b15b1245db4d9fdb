import fc from 'fast-check';
import { expect, it } from 'vitest';
import { filterOf } from '../runs/run-filter.ts';
import { ALL_RUNS, NO_RUNS, withRuns } from '../runs/selection.ts';
import { aggregateAddress } from './address.ts';
import { DIMENSIONS, dimensionFilter, pointersOf } from './dimensions.ts';
import { type AggregateView, aggregateArguments, aggregateParameters, aggregateViewOf } from './view.ts';

const grouping = fc.constantFrom(...Object.keys(DIMENSIONS), '/inference/temperature', '/a~1b');
const views: fc.Arbitrary<AggregateView> = fc
  .record({
    metric: fc.option(fc.string(), { nil: undefined }),
    groupings: fc.uniqueArray(grouping, { minLength: 2, maxLength: 5 }),
    one: fc.boolean(),
    scope: fc.string({ minLength: 1 }),
    source: fc.constantFrom('reported' as const, 'recomputed' as const),
    filter: fc
      .constantFrom('', 'family=FV&text=x', 'from=2026-01-02')
      .map((text) => filterOf(new URLSearchParams(text))),
    selection: fc.constantFrom(
      NO_RUNS,
      withRuns(NO_RUNS, ['a', 'b%2'], true),
      withRuns(ALL_RUNS, ['c'], false),
    ),
    cell: fc.option(fc.string()),
  })
  .map(({ groupings: [column = '', ...rows], one, ...view }) => ({
    ...view,
    rows,
    column: one ? null : column,
  }));

it('reads from an address the view that it was made of', () => {
  fc.assert(
    fc.property(views, (view) => {
      expect(aggregateViewOf(new URLSearchParams(aggregateParameters(view).toString()))).toEqual(view);
    }),
  );
});

it('has methods by benchmarks at an address without parameters or with nonsense', () => {
  const plain = aggregateViewOf(new URLSearchParams());
  expect(plain).toMatchObject({ metric: undefined, rows: ['METHOD'], column: 'BENCHMARK', scope: 'overall' });
  expect(aggregateParameters(plain).toString()).toBe('');
  expect(aggregateViewOf(new URLSearchParams('rows=x&columns=y&source=z&a=b'))).toEqual(plain);
});

it('asks for what the view says', () => {
  const view = aggregateViewOf(
    new URLSearchParams(
      'rows=METHOD&rows=/a/b&columns=SCOPE&family=FV&select=all&without=r&source=recomputed',
    ),
  );
  expect(aggregateArguments(view, 'ece')).toEqual({
    metric: 'ece',
    groupBy: ['METHOD', 'SCOPE'],
    groupByConfig: ['/a/b'],
    filter: { and: [{ family: { eq: 'FV' } }, { not: { id: { in: ['r'] } } }] },
    source: 'RECOMPUTED',
    scope: null,
  });
  expect(aggregateArguments(aggregateViewOf(new URLSearchParams()), 'ece')).toMatchObject({
    filter: {},
    scope: 'overall',
  });
});

it('is led to by what is selected among the runs', () => {
  const filter = filterOf(new URLSearchParams('family=FV'));
  expect(aggregateAddress(filter, ALL_RUNS)).toBe('/aggregate?family=FV');
  expect(aggregateAddress(filter, withRuns(ALL_RUNS, ['c'], false))).toBe(
    '/aggregate?family=FV&select=all&without=c',
  );
  expect(aggregateAddress(filter, withRuns(NO_RUNS, ['a', 'b'], true))).toBe('/aggregate?run=a&run=b');
});

it('says which runs are behind a value', () => {
  expect(dimensionFilter('SEED', '3')).toEqual({ seed: { eq: '3' } });
  expect(dimensionFilter('BENCHMARK', null)).toEqual({ benchmark: { isNull: true } });
  expect([dimensionFilter('SCOPE', 'overall'), dimensionFilter('/a', 'b')]).toEqual([{}, {}]);
});

it('finds the members of configurations', () => {
  const structure = { seed: 'UBIGINT', 'a/b': { '~c': 'VARCHAR' }, stop: ['VARCHAR'], empty: {} };
  expect(pointersOf(structure)).toEqual(['/seed', '/a~1b/~0c', '/stop']);
  expect(pointersOf('VARCHAR')).toEqual([]);
});
