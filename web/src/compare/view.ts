import { MOST_COMPARED } from './address.ts';

/** How two runs may disagree about an example: in how high their scores rank it, or in what came of it. */
export const DISAGREEMENTS = ['score', 'outcome'] as const;
export type Disagreement = (typeof DISAGREEMENTS)[number];

/** What the page of a comparison shows. It lives in the address, so that a link says it all. */
export interface CompareView {
  /** The first is what the others are compared with. */
  readonly runs: readonly string[];
  /** Part of the runs that the metrics are about. */
  readonly scope: string;
  readonly source: 'reported' | 'recomputed';
  /** The run whose disagreements with the first are shown. */
  readonly other: string | undefined;
  readonly by: Disagreement | undefined;
}

export function compareViewOf(address: URLSearchParams): CompareView {
  const runs = [...new Set(address.getAll('run'))].slice(0, MOST_COMPARED);
  const other = address.get('other');
  return {
    runs,
    scope: address.get('scope') ?? 'overall',
    source: address.get('source') === 'recomputed' ? 'recomputed' : 'reported',
    other: other !== null && runs.indexOf(other) > 0 ? other : runs[1],
    by: DISAGREEMENTS.find((name) => name === address.get('by')),
  };
}

/** The parameters of a view; defaults are left out. */
export function compareParameters({ runs, scope, source, other, by }: CompareView): URLSearchParams {
  const address = new URLSearchParams(runs.map((id) => ['run', id]));
  if (scope !== 'overall') address.set('scope', scope);
  if (source !== 'reported') address.set('source', source);
  if (other !== undefined && other !== runs[1] && runs.includes(other)) address.set('other', other);
  if (by !== undefined) address.set('by', by);
  return address;
}
