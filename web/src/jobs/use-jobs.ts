import { type InfiniteData, keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { ask } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { POLL_MS, useFollow } from '../api/use-live.ts';
import { JOB_COUNT, JOBS, JOBS_CHANGED, type JobPageOfList, type JobRow } from './queries.ts';
import { afterUpdates } from './updates.ts';
import { filterOf, type JobsView, shows } from './view.ts';

type Pages = InfiniteData<{ jobs: JobPageOfList }>;

/** Changes are drawn together: workers report many times a second. */
const FLUSH_MS = 200;
const EVERY = {};

/** The jobs of a view, as they are now and become. */
export function useJobs(view: JobsView) {
  const client = useQueryClient();
  const filter = filterOf(view);
  const queryKey = ['jobs', filter];
  const waiting = useRef(new Map<string, JobRow>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const flush = () => {
    timer.current = undefined;
    const updates = [...waiting.current.values()];
    waiting.current.clear();
    const states = new Map(
      pages.data?.pages.flatMap(({ jobs }) => jobs.nodes.map(({ id, state }) => [id, state])),
    );
    client.setQueryData<Pages>(queryKey, (before) => {
      if (before === undefined) return before;
      const lists = before.pages.map(({ jobs }) => jobs);
      const after = afterUpdates(lists, updates, (job) => shows(view, job));
      return { ...before, pages: after.map((jobs) => ({ jobs })) };
    });
    if (updates.some(({ id, state }) => states.get(id) !== state)) void total.refetch();
  };
  const link = useFollow(
    JOBS_CHANGED,
    EVERY,
    ({ jobUpdated: job }) => {
      waiting.current.set(job.id, job);
      timer.current ??= setTimeout(() => latest.current(), FLUSH_MS);
    },
    () => {
      void pages.refetch();
      void total.refetch();
    },
  );
  const every = link === 'broken' ? POLL_MS : undefined;
  const pages = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => ask(JOBS.query, JOBS.schema, { filter, after: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ jobs: { pageInfo } }) => (pageInfo.hasNextPage ? pageInfo.endCursor : undefined),
    placeholderData: keepPreviousData,
    // What happened while nobody looked is not known.
    staleTime: 0,
    refetchInterval: every ?? false,
  });
  const total = useAnswer(JOB_COUNT, { filter }, { every });
  // What is flushed belongs to the view that is shown then.
  const latest = useRef(flush);
  latest.current = flush;
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    link,
    rows: pages.data?.pages.flatMap(({ jobs }) => jobs.nodes),
    total: total.data?.jobs.totalCount,
    error: pages.error,
    again: () => void pages.refetch(),
    more: pages.hasNextPage ? () => void pages.fetchNextPage() : undefined,
    isFetchingMore: pages.isFetchingNextPage,
  };
}
