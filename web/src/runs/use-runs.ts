import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ask } from '../api/client.ts';
import { metricFilter, RUNS, type RunRow } from './queries.ts';
import { argumentsOf, type RunsView } from './view.ts';

/** Few for the first sight, many for those who scroll on. */
const FIRST_PAGE = 200;
const NEXT_PAGE = 1000;
/** Pages beyond which looking again would cost more than the news are worth. */
const FRESH_PAGES = 2;

export interface LoadedRuns {
  /** From the first on, as far as they are there. */
  readonly rows: readonly RunRow[] | undefined;
  /** How many there are. */
  readonly total: number;
  readonly error: Error | null;
  readonly again: () => void;
  /** Fetches the next ones; absent while something is being fetched, and at the end. */
  readonly more: (() => void) | undefined;
  /** Whether the rows are those of the view before. */
  readonly outdated: boolean;
}

export function useRuns(view: RunsView): LoadedRuns {
  const withResult = view.columns.includes('result');
  const withMetrics = withResult || view.metrics.length > 0;
  const variables = {
    ...argumentsOf(view),
    withIssues: view.columns.includes('issues'),
    withMetrics,
    metrics: withMetrics ? metricFilter(withResult, view.metrics) : null,
  };
  const pages = useInfiniteQuery({
    queryKey: ['runs', variables],
    queryFn: ({ pageParam: after, signal }) => {
      const first = after === null;
      const size = first ? FIRST_PAGE : NEXT_PAGE;
      return ask(RUNS.query, RUNS.schema, { ...variables, after, first, size }, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ runs: { pageInfo } }) => (pageInfo.hasNextPage ? pageInfo.endCursor : undefined),
    placeholderData: keepPreviousData,
    // To compare thousands of rows with themselves whenever a page arrives would be felt.
    structuralSharing: false,
    staleTime: ({ state }) =>
      (state.data?.pages.length ?? 0) > FRESH_PAGES ? Number.POSITIVE_INFINITY : 5000,
  });
  const rows = useMemo(() => pages.data?.pages.flatMap(({ runs }) => runs.nodes), [pages.data]);
  return {
    rows,
    total: pages.data?.pages[0]?.runs.totalCount ?? rows?.length ?? 0,
    error: pages.error,
    again: () => void pages.refetch(),
    more: pages.hasNextPage && !pages.isFetching ? () => void pages.fetchNextPage() : undefined,
    outdated: pages.isPlaceholderData,
  };
}
