import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { ask } from '../api/client.ts';
import { Badge } from '../ui/badge.tsx';
import { count } from '../ui/format.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Time } from '../ui/time.tsx';
import { COLUMNS, type RunColumn } from './columns.ts';
import { RunFilters } from './filters.tsx';
import { RUNS, type RunRow } from './queries.ts';
import { addressOf, argumentsOf, type RunsView, viewOf } from './view.ts';

const ROW_HEIGHT = 34;
/** Rows before the end of what is loaded at which more is fetched. */
const AHEAD = 60;

/** The address of a run's page. Ids are paths. */
export function runAddress(id: string): string {
  return `/runs/${encodeURI(id)}`;
}

export function RunsPage(): ReactNode {
  const [address, setAddress] = useSearchParams();
  const view = viewOf(address);
  const show = (next: RunsView) => setAddress(addressOf(next), { replace: true });
  const runs = useRuns(view);
  return (
    <div className="runs">
      <h1>
        Runs{' '}
        <span className="quiet" aria-live="polite">
          {runs.total === undefined ? '' : count(runs.total)}
        </span>
      </h1>
      <RunFilters view={view} show={show} />
      {runs.error !== null ? (
        <Failure error={runs.error} again={runs.again} />
      ) : runs.rows === undefined ? (
        <Loading what="runs" />
      ) : runs.rows.length === 0 ? (
        <Empty>
          No run is like this. In an empty lake, <code>npx runlake ingest path/to/runs</code> brings some in.
        </Empty>
      ) : (
        <RunTable rows={runs.rows} view={view} show={show} more={runs.more} />
      )}
    </div>
  );
}

function useRuns(view: RunsView) {
  const variables = argumentsOf(view);
  const pages = useInfiniteQuery({
    queryKey: ['runs', variables],
    queryFn: ({ pageParam, signal }) =>
      ask(RUNS.query, RUNS.schema, { ...variables, after: pageParam, first: pageParam === null }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ runs: { pageInfo } }) => (pageInfo.hasNextPage ? pageInfo.endCursor : undefined),
    placeholderData: keepPreviousData,
  });
  return {
    rows: pages.data?.pages.flatMap(({ runs }) => runs.nodes),
    total: pages.data?.pages[0]?.runs.totalCount,
    error: pages.error,
    again: () => void pages.refetch(),
    more: pages.hasNextPage && !pages.isFetching ? () => void pages.fetchNextPage() : undefined,
  };
}

interface RunTableProps {
  readonly rows: readonly RunRow[];
  readonly view: RunsView;
  readonly show: (view: RunsView) => void;
  readonly more: (() => void) | undefined;
}

/** Only the rows in sight are in the document. */
function RunTable({ rows, view, show, more }: RunTableProps): ReactNode {
  const scroll = useRef<HTMLDivElement>(null);
  const [, go] = useLocation();
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 20,
  });
  const shown = list.getVirtualItems();
  const last = shown.at(-1);
  const lastIndex = last?.index ?? 0;
  useEffect(() => {
    if (lastIndex + AHEAD >= rows.length) more?.();
  }, [lastIndex, rows.length, more]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="scroll tall" ref={scroll} tabIndex={0} aria-label="Table of runs">
      <table className="fixed" aria-rowcount={rows.length + 1}>
        <colgroup>
          {COLUMNS.map(({ title, width }) => (
            <col key={title} style={{ width }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {COLUMNS.map((column) => (
              <SortHeader key={column.title} column={column} view={view} show={show} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={shown[0]?.start ?? 0} />
          {shown.map(({ index }) => {
            const run = rows[index];
            if (run === undefined) return null;
            return (
              // The link in it does the same by keyboard.
              <tr key={run.id} aria-rowindex={index + 2} onClick={() => go(runAddress(run.id))}>
                <td>{run.family}</td>
                <td>
                  <Link href={runAddress(run.id)} title={run.id} onClick={(event) => event.stopPropagation()}>
                    {run.method ?? run.id}
                  </Link>
                </td>
                <td title={run.modelId ?? ''}>{run.modelId ?? '–'}</td>
                <td title={run.benchmark ?? ''}>{run.benchmark ?? '–'}</td>
                <td className="number">{run.seed ?? '–'}</td>
                <td>
                  <Badge>{run.status}</Badge>
                </td>
                <td>{run.verdict === null ? '–' : <Badge>{run.verdict}</Badge>}</td>
                <td className="number">{count(run.nPredictions)}</td>
                <td className="number">{count(run.nIssues)}</td>
                <td>
                  <Time iso={run.ingestedAt} />
                </td>
              </tr>
            );
          })}
          <Spacer height={list.getTotalSize() - (last?.end ?? 0)} />
        </tbody>
      </table>
    </section>
  );
}

/** Stands for the rows out of sight. */
function Spacer({ height }: { height: number }): ReactNode {
  return height > 0 ? <tr style={{ height }} /> : null;
}

interface SortHeaderProps {
  readonly column: RunColumn;
  readonly view: RunsView;
  readonly show: (view: RunsView) => void;
}

function SortHeader({ column, view, show }: SortHeaderProps): ReactNode {
  const { title, order, numeric } = column;
  const { descending, field } = view.order;
  const sorted = field === order;
  return (
    <th
      className={numeric ? 'number' : undefined}
      aria-sort={sorted ? (descending ? 'descending' : 'ascending') : undefined}
    >
      <button
        type="button"
        onClick={() => show({ ...view, order: { field: order, descending: sorted && !descending } })}
      >
        {title}
        {sorted && (descending ? ' ↓' : ' ↑')}
      </button>
    </th>
  );
}
