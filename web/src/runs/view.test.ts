import fc from 'fast-check';
import { expect, it } from 'vitest';
import { COLUMNS } from './columns.ts';
import { addressOf, argumentsOf, FACETS, type RunsView, viewOf } from './view.ts';

const text = fc.string({ minLength: 1 });
const views: fc.Arbitrary<RunsView> = fc.record({
  equals: fc.record(Object.fromEntries(FACETS.map((facet) => [facet, text])), { requiredKeys: [] }),
  text: fc.string(),
  withIssues: fc.boolean(),
  order: fc.record({
    field: fc.constantFrom(...COLUMNS.map(({ order }) => order)),
    descending: fc.boolean(),
  }),
});

it('reads from an address the view that it was made of', () => {
  fc.assert(
    fc.property(views, (view) => {
      const address = new URLSearchParams(addressOf(view).toString());
      expect(viewOf(address)).toEqual({ ...view, equals: { ...view.equals } });
    }),
  );
});

it('shows everything, the latest first, at an address without parameters or with nonsense', () => {
  const plain = viewOf(new URLSearchParams());
  expect(addressOf(plain).toString()).toBe('');
  expect(viewOf(new URLSearchParams('order=NOTHING.desc&family=&x=1'))).toEqual(plain);
  expect(argumentsOf(plain)).toEqual({ filter: {}, orderBy: [{ field: 'INGESTED_AT', direction: 'DESC' }] });
});

it('asks for what the view says', () => {
  const view = viewOf(new URLSearchParams('family=FV&text=seed_0&issues=some&order=SEED.asc'));
  expect(argumentsOf(view)).toEqual({
    filter: { family: { eq: 'FV' }, id: { contains: 'seed_0' }, nIssues: { gt: 0 } },
    orderBy: [{ field: 'SEED', direction: 'ASC' }],
  });
});
