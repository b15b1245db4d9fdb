/** Properties of runs that pages filter by, as the API names them. */
export const FACETS = ['family', 'method', 'modelId', 'benchmark', 'split', 'status', 'verdict'] as const;
export type Facet = (typeof FACETS)[number];

/** Which runs a page is about. It lives in the address, so that a link says it all. */
export interface RunFilterView {
  /** One of these values each. */
  readonly oneOf: Readonly<Partial<Record<Facet, readonly string[]>>>;
  /** A part of the run's id. */
  readonly text: string;
  /** Only runs with issues. */
  readonly withIssues: boolean;
  /** Days (UTC, YYYY-MM-DD) between which runs were made, both included. */
  readonly from: string | null;
  readonly to: string | null;
}

export const EVERY_RUN: RunFilterView = { oneOf: {}, text: '', withIssues: false, from: null, to: null };

const DAY_MS = 86_400_000;

/** Reads a filter from an address; what it does not know is left out. */
export function filterOf(address: URLSearchParams): RunFilterView {
  const oneOf: Partial<Record<Facet, readonly string[]>> = {};
  for (const facet of FACETS) {
    const values = new Set(address.getAll(facet).filter((value) => value !== ''));
    if (values.size > 0) oneOf[facet] = [...values];
  }
  return {
    oneOf,
    text: address.get('text') ?? '',
    withIssues: address.get('issues') === 'some',
    from: dayOf(address.get('from')),
    to: dayOf(address.get('to')),
  };
}

/** Writes a filter into an address; defaults are left out. */
export function addFilter(address: URLSearchParams, filter: RunFilterView): void {
  for (const facet of FACETS) for (const value of filter.oneOf[facet] ?? []) address.append(facet, value);
  if (filter.text !== '') address.set('text', filter.text);
  if (filter.withIssues) address.set('issues', 'some');
  if (filter.from !== null) address.set('from', filter.from);
  if (filter.to !== null) address.set('to', filter.to);
}

export function isFiltered({ oneOf, text, withIssues, from, to }: RunFilterView): boolean {
  return Object.keys(oneOf).length > 0 || text !== '' || withIssues || from !== null || to !== null;
}

/** The values of one facet, all without any. */
export function withFacet(filter: RunFilterView, facet: Facet, values: readonly string[]): RunFilterView {
  const { [facet]: _, ...others } = filter.oneOf;
  return { ...filter, oneOf: values.length === 0 ? others : { ...others, [facet]: values } };
}

/** The `RunFilter` of the API that leaves these runs. */
export function filterArgument({
  oneOf,
  text,
  withIssues,
  from,
  to,
}: RunFilterView): Record<string, unknown> {
  const created = {
    ...(from !== null && { gte: `${from}T00:00:00Z` }),
    ...(to !== null && { lt: new Date(Date.parse(to) + DAY_MS).toISOString() }),
  };
  return {
    ...Object.fromEntries(
      Object.entries(oneOf).map(([facet, [first, ...more]]) => [
        facet,
        more.length === 0 ? { eq: first } : { in: [first, ...more] },
      ]),
    ),
    ...(text !== '' && { id: { contains: text } }),
    ...(withIssues && { nIssues: { gt: 0 } }),
    ...(Object.keys(created).length > 0 && { createdAt: created }),
  };
}

/** A day of the calendar as it is written, else null. */
export function dayOf(text: string | null): string | null {
  if (text === null || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const at = Date.parse(text);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text) ? text : null;
}
