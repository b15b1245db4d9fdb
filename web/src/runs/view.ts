import { COLUMN_IDS, type ColumnId, DEFAULT_COLUMNS, FIRST_COLUMN, ORDERS } from './columns.ts';
import { addFilter, filterArgument, filterOf, type RunFilterView } from './run-filter.ts';
import { addSelection, type Selection } from './selection.ts';

/** What the table of runs shows. It lives in the address, so that a link says it all. */
export interface RunsView {
  readonly filter: RunFilterView;
  readonly order: { readonly field: string; readonly descending: boolean };
  readonly columns: readonly ColumnId[];
  /** Metrics with a column of their own. */
  readonly metrics: readonly string[];
}

export const DEFAULT_ORDER = { field: 'INGESTED_AT', descending: true } as const;

/** Most metrics with columns of their own. */
const MOST_METRICS = 12;

/** Reads a view from an address; what it does not know is left out. */
export function viewOf(address: URLSearchParams): RunsView {
  const [field = '', direction] = (address.get('order') ?? '').split('.');
  const named = address.get('columns')?.split(',');
  return {
    filter: filterOf(address),
    order: ORDERS.has(field) ? { field, descending: direction === 'desc' } : DEFAULT_ORDER,
    columns:
      named === undefined
        ? DEFAULT_COLUMNS
        : COLUMN_IDS.filter((id) => id === FIRST_COLUMN || named.includes(id)),
    metrics: [...new Set(address.getAll('metric').filter((name) => name !== ''))].slice(0, MOST_METRICS),
  };
}

/** The address of a view; defaults are left out. With the state that goes with it. */
export function addressOf(
  { filter, order, columns, metrics }: RunsView,
  selection: Selection,
): { readonly address: URLSearchParams; readonly state: unknown } {
  const address = new URLSearchParams();
  addFilter(address, filter);
  if (order.field !== DEFAULT_ORDER.field || order.descending !== DEFAULT_ORDER.descending) {
    address.set('order', `${order.field}.${order.descending ? 'desc' : 'asc'}`);
  }
  if (columns.join() !== DEFAULT_COLUMNS.join()) address.set('columns', columns.join());
  for (const name of metrics) address.append('metric', name);
  return { state: addSelection(address, selection), address };
}

/** The arguments of the API that show a view. */
export function argumentsOf({ filter, order }: Pick<RunsView, 'filter' | 'order'>): {
  readonly filter: Readonly<Record<string, unknown>>;
  readonly orderBy: readonly { readonly field: string; readonly direction: 'ASC' | 'DESC' }[];
} {
  return {
    filter: filterArgument(filter),
    orderBy: [{ field: order.field, direction: order.descending ? 'DESC' : 'ASC' }],
  };
}
