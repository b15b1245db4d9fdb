import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ask } from '../api/client.ts';
import { Badge } from '../ui/badge.tsx';
import { measured } from '../ui/format.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { EXAMPLES, type ExampleRow } from './queries.ts';

/** Which examples come first. */
const ORDERS = {
  missed: {
    title: 'made up, but scored low',
    filter: { labelHalu: { eq: true } },
    orderBy: [{ field: 'SCORE_HALU', direction: 'ASC' }],
  },
  alarms: {
    title: 'right, but scored high',
    filter: { labelHalu: { eq: false } },
    orderBy: [{ field: 'SCORE_HALU', direction: 'DESC' }],
  },
  all: {
    title: 'all, in the order of the file',
    filter: {},
    orderBy: [{ field: 'SOURCE_LINE', direction: 'ASC' }],
  },
} as const;
type Order = keyof typeof ORDERS;

export function Examples({ id, scored }: { id: string; scored: boolean }): ReactNode {
  const [order, setOrder] = useState<Order>(scored ? 'missed' : 'all');
  const { filter, orderBy } = ORDERS[order];
  const variables = { filter: { runId: { eq: id }, ...filter }, orderBy };
  const pages = useInfiniteQuery({
    queryKey: ['examples', variables],
    queryFn: ({ pageParam, signal }) =>
      ask(EXAMPLES.query, EXAMPLES.schema, { ...variables, after: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ predictions: { pageInfo } }) =>
      pageInfo.hasNextPage ? pageInfo.endCursor : undefined,
    placeholderData: keepPreviousData,
  });
  const rows = pages.data?.pages.flatMap(({ predictions }) => predictions.nodes);
  return (
    <>
      {scored && (
        <div className="filters">
          <label>
            Show first
            <select
              value={order}
              onChange={({ target }) => {
                const chosen = (Object.keys(ORDERS) as Order[]).find((name) => name === target.value);
                if (chosen !== undefined) setOrder(chosen);
              }}
            >
              {Object.entries(ORDERS).map(([name, { title }]) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      {pages.isError ? (
        <Failure error={pages.error} again={() => void pages.refetch()} />
      ) : rows === undefined ? (
        <Loading what="examples" />
      ) : rows.length === 0 ? (
        <Empty>No example is like this.</Empty>
      ) : (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th className="number">Score</th>
                <th>Label</th>
                <th>Prompt</th>
                <th>Response</th>
                <th>Reference</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row, i) => (
                // Several predictions may be about one example.
                // biome-ignore lint/suspicious/noArrayIndexKey: rows are only ever appended
                <Example key={`${i} ${row.exampleId}`} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages.hasNextPage && (
        <p>
          <button type="button" disabled={pages.isFetching} onClick={() => void pages.fetchNextPage()}>
            More
          </button>
        </p>
      )}
    </>
  );
}

function Example({ row }: { row: ExampleRow }): ReactNode {
  const { generation, labelHalu } = row;
  const label = labelHalu === null ? (row.outcome ?? row.trueLabel ?? '–') : labelHalu ? 'made up' : 'right';
  return (
    <tr>
      <td className="number">{measured(row.scoreHalu)}</td>
      <td>
        <Badge>{label}</Badge>
      </td>
      <td>
        <p className="text">{generation?.prompt ?? <span className="quiet">{row.exampleId}</span>}</p>
      </td>
      <td>
        <p className="text">{generation?.response ?? row.predLabel ?? '–'}</p>
      </td>
      <td>
        <p className="text">{textOf(generation?.reference) ?? row.trueLabel ?? '–'}</p>
      </td>
    </tr>
  );
}

/** The right answers of a reference; other references as JSON. */
function textOf(reference: unknown): string | undefined {
  if (reference === null || reference === undefined) return undefined;
  if (typeof reference === 'string') return reference;
  if (typeof reference === 'object' && 'answers' in reference && Array.isArray(reference.answers)) {
    return reference.answers.map(String).join(', ');
  }
  return JSON.stringify(reference);
}
