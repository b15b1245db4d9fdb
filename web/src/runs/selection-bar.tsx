import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { aggregateAddress } from '../aggregate/address.ts';
import { compareAddress, MOST_COMPARED } from '../compare/address.ts';
import { count } from '../ui/format.ts';
import type { RunFilterView } from './run-filter.ts';
import { isSelected, MOST_IN_ADDRESS, NO_RUNS, type Selection, selectedCount } from './selection.ts';
import type { LoadedRuns } from './use-runs.ts';

export interface SelectionBarProps {
  readonly runs: LoadedRuns;
  readonly filter: RunFilterView;
  readonly selection: Selection;
  readonly select: (selection: Selection) => void;
}

/** How many runs are chosen, and what can be done with them. */
export function SelectionBar({ runs, filter, selection, select }: SelectionBarProps): ReactNode {
  const chosen = selectedCount(selection, runs.total);
  return (
    <p className="selection" role="status">
      {chosen === 0 ? (
        <span className="quiet">
          Select runs to compare or aggregate them: the boxes, Ctrl + click, Shift for a range.
        </span>
      ) : (
        <>
          <strong>{count(chosen)} selected:</strong> <CompareLink runs={runs} selection={selection} />
          {' · '}
          {selection.ids.size > MOST_IN_ADDRESS ? (
            <Unavailable why={`Name at most ${MOST_IN_ADDRESS} runs, or select all that the filters leave.`}>
              Aggregate
            </Unavailable>
          ) : (
            <Link href={aggregateAddress(filter, selection)}>Aggregate</Link>
          )}
          {' · '}
          <button type="button" className="plain" onClick={() => select(NO_RUNS)}>
            Clear
          </button>
        </>
      )}
    </p>
  );
}

function CompareLink({ runs, selection }: { runs: LoadedRuns; selection: Selection }): ReactNode {
  const { rows = [], total } = runs;
  const chosen = selectedCount(selection, total);
  if (chosen < 2 || chosen > MOST_COMPARED) {
    return <Unavailable why={`Two to ${MOST_COMPARED} runs can be compared.`}>Compare</Unavailable>;
  }
  const ids = selection.all
    ? rows.flatMap(({ id }) => (isSelected(selection, id) ? id : []))
    : [...selection.ids];
  return <Link href={compareAddress(ids)}>Compare</Link>;
}

function Unavailable({ why, children }: { why: string; children: string }): ReactNode {
  return (
    <span className="quiet" title={why}>
      {children} <small>({why.replace(/\.$/, '').toLowerCase()})</small>
    </span>
  );
}
