import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ask } from '../../api/client.ts';
import { count } from '../../ui/format.ts';
import { Empty, Failure, Loading } from '../../ui/states.tsx';
import { exampleAddress } from '../address.ts';
import type { ExampleColumn } from './columns.tsx';
import '../example.css';
import { shortId } from '../text.ts';
import { type ExampleList, filterOf } from './lists.ts';
import { orderByOf } from './order.ts';
import { pageQuestion, type RowSource } from './rows.ts';

interface Named {
  readonly exampleId: string;
  readonly sourceLine: number | null;
}

export interface ExampleTableProps<R extends Named> {
  readonly run: string;
  readonly list: ExampleList;
  readonly source: RowSource<R>;
  readonly columns: readonly ExampleColumn<R>[];
  /** What the list is about, for the addresses of its examples. */
  readonly of?: string | undefined;
}

/** A list of examples, a page at a time, each with a link to all that is known of it. */
export function ExampleTable<R extends Named>(props: ExampleTableProps<R>): ReactNode {
  const { run, list, source, columns, of } = props;
  const variables = { filter: filterOf(list, run), orderBy: orderByOf(list.keys) };
  const question = pageQuestion(source);
  const pages = useInfiniteQuery({
    queryKey: [question.query, variables],
    queryFn: ({ pageParam, signal }) =>
      ask(
        question.query,
        question.schema,
        { ...variables, after: pageParam, first: pageParam === null },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ page: { pageInfo } }) => (pageInfo.hasNextPage ? pageInfo.endCursor : undefined),
    placeholderData: keepPreviousData,
  });
  if (pages.isError) return <Failure error={pages.error} again={() => void pages.refetch()} />;
  if (pages.isPending) return <Loading what="examples" />;
  const rows = pages.data.pages.flatMap(({ page }) => page.nodes);
  if (rows.length === 0) return <Empty>No example is like this.</Empty>;
  return (
    <Listing
      rows={rows}
      total={pages.data.pages[0]?.page.totalCount ?? rows.length}
      columns={columns}
      nameOf={({ exampleId }) => shortId(exampleId)}
      addressOf={({ exampleId, sourceLine }) =>
        exampleAddress({ run, example: exampleId, line: sourceLine, list: list.name, of })
      }
      more={pages.hasNextPage ? () => void pages.fetchNextPage() : undefined}
      busy={pages.isFetching}
    />
  );
}

export interface ListingProps<R> {
  readonly rows: readonly R[];
  readonly total: number;
  readonly columns: readonly ExampleColumn<R>[];
  readonly nameOf: (row: R) => string;
  readonly addressOf: (row: R) => string;
  readonly more: (() => void) | undefined;
  readonly busy?: boolean;
}

/** Examples as a table, how many there are, and a way to more. */
export function Listing<R>(props: ListingProps<R>): ReactNode {
  const { rows, total, columns, nameOf, addressOf, more, busy = false } = props;
  return (
    <>
      <p className="quiet" role="status">
        {count(rows.length)} of {count(total)} {total === 1 ? 'example' : 'examples'}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="scroll" tabIndex={0} aria-label="Table of examples">
        <table className="examples">
          <thead>
            <tr>
              <th>Example</th>
              {columns.map(({ title, numeric }) => (
                <th key={title} className={numeric ? 'number' : undefined}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              // Several rows may be about one example.
              // biome-ignore lint/suspicious/noArrayIndexKey: rows are only ever appended
              <tr key={`${i} ${addressOf(row)}`}>
                <td>
                  <Link href={addressOf(row)}>{nameOf(row)}</Link>
                </td>
                {columns.map(({ title, numeric, wide, cell }) => (
                  <td key={title} className={numeric ? 'number' : wide ? 'wide' : undefined}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {more && (
        <p>
          <button type="button" disabled={busy} onClick={more}>
            More examples
          </button>
        </p>
      )}
    </>
  );
}
