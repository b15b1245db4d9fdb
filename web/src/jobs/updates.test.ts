import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobPageOfList, JobRow } from './queries.ts';
import { afterUpdates } from './updates.ts';
import { addressOf, filterOf, type JobsView, STATES, shows, viewOf } from './view.ts';

const PAGE = 3;
const job = fc.record({
  n: fc.integer({ min: 0, max: 40 }),
  state: fc.constantFrom('PENDING', 'RUNNING', 'COMPLETED', 'FAILED'),
  kind: fc.constantFrom('PROBE', 'FV'),
});
type Small = typeof job extends fc.Arbitrary<infer T> ? T : never;

function row({ n, state, kind }: Small): JobRow {
  return {
    id: `job-${String(n).padStart(3, '0')}`,
    kind,
    state,
    createdAt: '',
    updatedAt: '',
    startedAt: null,
    finishedAt: null,
    attempt: 0,
    maxAttempts: 3,
    cancelRequested: false,
    owner: null,
    worker: null,
    progress: null,
  };
}

/** The pages that a server would give of some jobs. */
function pagesOf(jobs: readonly JobRow[], count: number): JobPageOfList[] {
  const sorted = jobs.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  return Array.from({ length: count }, (_, i) => {
    const nodes = sorted.slice(i * PAGE, (i + 1) * PAGE);
    const hasNextPage = sorted.length > (i + 1) * PAGE;
    return { nodes, pageInfo: { hasNextPage, endCursor: nodes.at(-1)?.id ?? null } };
  }).filter(({ nodes }, i) => i === 0 || nodes.length > 0);
}

describe('a list of jobs', () => {
  it('is after updates what it would be when asked for anew, as far as it was fetched', () => {
    const view: JobsView = { state: 'OPEN', kind: 'PROBE' };
    const isShown = (one: JobRow) => shows(view, one);
    fc.assert(
      fc.property(
        fc.uniqueArray(job, { selector: ({ n }) => n, maxLength: 20 }),
        fc.array(job, { maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        (known, changed, count) => {
          const all = new Map(known.map((one) => [one.n, row(one)]));
          const before = pagesOf([...all.values()].filter(isShown), count);
          for (const one of changed) all.set(one.n, row(one));
          const after = afterUpdates(before, changed.map(row), isShown).flatMap(({ nodes }) => nodes);
          const last = before.at(-1)?.pageInfo;
          const reaches = (id: string) => !last?.hasNextPage || id >= (last.endCursor ?? '');
          const expected = pagesOf([...all.values()].filter(isShown), 100).flatMap(({ nodes }) => nodes);
          expect(after).toEqual(expected.filter(({ id }) => reaches(id)));
        },
      ),
    );
  });

  it('lives in the address', () => {
    for (const state of ['', ...Object.keys(STATES)]) {
      const view = { state, kind: 'CHAOS_EVAL' };
      expect(viewOf(addressOf(view))).toEqual(view);
    }
    expect(viewOf(new URLSearchParams('state=toString&kind=a%20b'))).toEqual({ state: '', kind: '' });
    expect(filterOf({ state: 'OPEN', kind: '' })).toEqual({ states: ['PENDING', 'RUNNING'] });
  });
});
