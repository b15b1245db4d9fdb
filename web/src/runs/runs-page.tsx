import type { ReactNode } from 'react';
import { count } from '../ui/format.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { useAddress } from '../ui/use-address.ts';
import { ColumnChoice } from './column-choice.tsx';
import { RunFilters } from './filters.tsx';
import { RunTable } from './run-table.tsx';
import { NO_RUNS, type Selection, selectionOf } from './selection.ts';
import { SelectionBar } from './selection-bar.tsx';
import { useRuns } from './use-runs.ts';
import { addressOf, type RunsView, viewOf } from './view.ts';
import './runs.css';

export function RunsPage(): ReactNode {
  const { parameters, state, show: showAddress } = useAddress();
  const view = viewOf(parameters);
  const selection = selectionOf(parameters, state);
  const runs = useRuns(view);
  const showBoth = (nextView: RunsView, next: Selection) => {
    const { address, state: nextState } = addressOf(nextView, next);
    showAddress(address, nextState);
  };
  const show = (next: RunsView) => showBoth(next, selection);
  const select = (next: Selection) => showBoth(view, next);
  return (
    <>
      <h1>
        Runs{' '}
        <span className="quiet" aria-live="polite">
          {runs.rows === undefined ? '' : count(runs.total)}
        </span>
      </h1>
      <RunFilters
        filter={view.filter}
        // Under other filters, "all" would be others than those that were chosen.
        show={(filter) => showBoth({ ...view, filter }, selection.all ? NO_RUNS : selection)}
      />
      {runs.error !== null ? (
        <Failure error={runs.error} again={runs.again} />
      ) : runs.rows === undefined ? (
        <Loading what="runs" />
      ) : runs.rows.length === 0 ? (
        <Empty>
          No run is like this. In an empty lake, <code>npx runlake ingest path/to/runs</code> brings some in.
        </Empty>
      ) : (
        <>
          <div className="run-tools">
            <SelectionBar runs={runs} filter={view.filter} selection={selection} select={select} />
            <ColumnChoice view={view} show={show} />
          </div>
          <RunTable runs={runs} view={view} show={show} selection={selection} select={select} />
        </>
      )}
    </>
  );
}
