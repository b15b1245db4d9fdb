import { filterArgument, filterOf, type RunFilterView } from '../runs/run-filter.ts';
import { type Selection, selectionArgument, selectionOf } from '../runs/selection.ts';
import { addRuns } from './address.ts';
import { isDimension, isGrouping } from './dimensions.ts';

/** What the table of aggregates shows. It lives in the address, so that a link says it all. */
export interface AggregateView {
  /** Absent: the first that runs are judged by. */
  readonly metric: string | undefined;
  /** What a row has in common. */
  readonly rows: readonly string[];
  /** What a column has in common; null: one column for all. */
  readonly column: string | null;
  /** Part of the runs that the numbers are about. */
  readonly scope: string;
  readonly source: Source;
  readonly filter: RunFilterView;
  /** Only these of the runs that the filter leaves; all where none is named. */
  readonly selection: Selection;
  /** Key of the cell whose runs are shown. */
  readonly cell: string | null;
}

export type Source = 'reported' | 'recomputed';

/** Most things that a row has in common. */
const MOST_ROWS = 5;
const DEFAULT_ROWS = ['METHOD'];
const DEFAULT_COLUMN = 'BENCHMARK';
const NO_COLUMN = 'none';

/** Reads a view from an address; what it does not know is left out. */
export function aggregateViewOf(address: URLSearchParams): AggregateView {
  const columns = address.get('columns');
  const column =
    columns === NO_COLUMN ? null : columns !== null && isGrouping(columns) ? columns : DEFAULT_COLUMN;
  const rows = [...new Set(address.getAll('rows'))].filter((name) => isGrouping(name) && name !== column);
  return {
    metric: address.get('metric') ?? undefined,
    rows: rows.length === 0 ? DEFAULT_ROWS : rows.slice(0, MOST_ROWS),
    column,
    scope: address.get('scope') ?? 'overall',
    source: address.get('source') === 'recomputed' ? 'recomputed' : 'reported',
    filter: filterOf(address),
    selection: selectionOf(address),
    cell: address.get('cell'),
  };
}

/** The parameters of a view; defaults are left out. */
export function aggregateParameters(view: AggregateView): URLSearchParams {
  const address = new URLSearchParams();
  if (view.metric !== undefined) address.set('metric', view.metric);
  if (view.rows.join('\n') !== DEFAULT_ROWS.join('\n')) {
    for (const name of view.rows) address.append('rows', name);
  }
  if (view.column !== DEFAULT_COLUMN) address.set('columns', view.column ?? NO_COLUMN);
  if (view.scope !== 'overall') address.set('scope', view.scope);
  if (view.source !== 'reported') address.set('source', view.source);
  addRuns(address, view.filter, view.selection);
  if (view.cell !== null) address.set('cell', view.cell);
  return address;
}

/** The arguments of `aggregateMetrics` that give the table of a view. */
export function aggregateArguments(view: AggregateView, metric: string): Readonly<Record<string, unknown>> {
  const names = [...view.rows, ...(view.column === null ? [] : [view.column])];
  return {
    metric,
    groupBy: names.filter(isDimension),
    groupByConfig: names.filter((name) => !isDimension(name)),
    filter: selectionArgument(view.selection, filterArgument(view.filter)),
    source: view.source.toUpperCase(),
    scope: names.includes('SCOPE') ? null : view.scope,
  };
}
