import { COLUMNS, DEFAULT_ORDER } from './columns.ts';

/** Properties of runs that the page filters by, as the API names them. */
export const FACETS = ['family', 'method', 'modelId', 'benchmark', 'status', 'verdict'] as const;
export type Facet = (typeof FACETS)[number];

/** What the table of runs shows. It lives in the address, so that a link says it all. */
export interface RunsView {
  readonly equals: Readonly<Partial<Record<Facet, string>>>;
  /** A part of the run's id. */
  readonly text: string;
  /** Only runs with issues. */
  readonly withIssues: boolean;
  readonly order: { readonly field: string; readonly descending: boolean };
}

const ORDERS: ReadonlySet<string> = new Set(COLUMNS.map(({ order }) => order));

/** Reads a view from an address; what it does not know is left out. */
export function viewOf(address: URLSearchParams): RunsView {
  const equals: Partial<Record<Facet, string>> = {};
  for (const facet of FACETS) {
    const value = address.get(facet);
    if (value !== null && value !== '') equals[facet] = value;
  }
  const [field = '', direction] = (address.get('order') ?? '').split('.');
  const order = ORDERS.has(field) ? { field, descending: direction === 'desc' } : DEFAULT_ORDER;
  return { equals, text: address.get('text') ?? '', withIssues: address.get('issues') === 'some', order };
}

/** The address of a view; defaults are left out. */
export function addressOf({ equals, text, withIssues, order }: RunsView): URLSearchParams {
  const address = new URLSearchParams();
  for (const facet of FACETS) {
    const value = equals[facet];
    if (value !== undefined) address.set(facet, value);
  }
  if (text !== '') address.set('text', text);
  if (withIssues) address.set('issues', 'some');
  if (order.field !== DEFAULT_ORDER.field || order.descending !== DEFAULT_ORDER.descending) {
    address.set('order', `${order.field}.${order.descending ? 'desc' : 'asc'}`);
  }
  return address;
}

/** The `filter` and `orderBy` that show a view. */
export function argumentsOf({ equals, text, withIssues, order }: RunsView): {
  readonly filter: Readonly<Record<string, unknown>>;
  readonly orderBy: readonly { readonly field: string; readonly direction: 'ASC' | 'DESC' }[];
} {
  return {
    filter: {
      ...Object.fromEntries(Object.entries(equals).map(([facet, value]) => [facet, { eq: value }])),
      ...(text !== '' && { id: { contains: text } }),
      ...(withIssues && { nIssues: { gt: 0 } }),
    },
    orderBy: [{ field: order.field, direction: order.descending ? 'DESC' : 'ASC' }],
  };
}
