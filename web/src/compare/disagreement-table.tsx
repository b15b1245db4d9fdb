import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { exampleAddress } from '../example/address.ts';
import { labelText, referenceText, shortId, verdictText } from '../example/text.ts';
import { Badge } from '../ui/badge.tsx';
import { Clipped } from '../ui/clipped.tsx';
import { measured, percent } from '../ui/format.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { type Disagreeing, disagreements, type Said } from './disagreements.ts';
import type { Disagreement } from './view.ts';

/** A run with the letter that stands for it. */
export interface Lettered {
  readonly id: string;
  readonly letter: string;
}

export interface DisagreementTableProps {
  readonly a: Lettered;
  readonly b: Lettered;
  readonly by: Disagreement;
}

/** The examples about which two runs disagree: what was asked, and what each of them says of it. */
export function DisagreementTable({ a, b, by }: DisagreementTableProps): ReactNode {
  const pages = useInfiniteQuery({
    queryKey: ['disagreements', a.id, b.id, by],
    queryFn: ({ pageParam, signal }) => disagreements({ a: a.id, b: b.id, by, after: pageParam, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next ?? undefined,
  });
  if (pages.isPending) return <Loading what="examples" />;
  if (pages.isError) return <Failure error={pages.error} again={() => void pages.refetch()} />;
  const rows = pages.data.pages.flatMap((page) => page.rows);
  if (rows.length === 0) {
    return (
      <Empty>
        {by === 'outcome' ? 'No common example comes out differently.' : 'No example is scored by both runs.'}
      </Empty>
    );
  }
  return (
    <>
      <div className="scroll">
        <table className="disagreements">
          <thead>
            <tr>
              <th>Asked</th>
              <th>Truth</th>
              <th>{a.letter} says</th>
              <th>{b.letter} says</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={`${row.exampleId} ${row.scope}`} row={row} a={a} b={b} />
            ))}
          </tbody>
        </table>
      </div>
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

function Row({ row, a, b }: { row: Disagreeing; a: Lettered; b: Lettered }): ReactNode {
  const truth = row.a.trueLabel ?? row.b.trueLabel ?? referenceText(row.reference);
  const label = row.a.label ?? row.b.label;
  return (
    <tr>
      <td>
        {row.prompt === null ? (
          <code title={row.exampleId}>{shortId(row.exampleId)}</code>
        ) : (
          <Clipped>{row.prompt}</Clipped>
        )}
        {row.scope !== null && <span className="quiet">{row.scope}</span>}
      </td>
      <td>
        {label !== null && <Badge>{labelText(label)}</Badge>}
        {truth !== undefined && <Clipped>{truth}</Clipped>}
      </td>
      <Says said={row.a} run={a} example={row.exampleId} />
      <Says said={row.b} run={b} example={row.exampleId} />
    </tr>
  );
}

function Says({ said, run, example }: { said: Said; run: Lettered; example: string }): ReactNode {
  const { score, rank, predLabel, response } = said;
  const verdict = verdictText({ ...said, labelHalu: said.label });
  return (
    <td>
      {verdict !== '–' && <Badge tone={verdict === 'right' ? 'good' : 'bad'}>{verdict}</Badge>}{' '}
      {predLabel !== null && <strong>{predLabel}</strong>}{' '}
      {score !== null && (
        <>
          score {measured(score)}
          {rank !== null && <span className="quiet">, above {percent(rank)}</span>}
        </>
      )}
      {response !== null && <Clipped>{response}</Clipped>}
      <Link href={exampleAddress({ run: run.id, example })} aria-label={`The example in ${run.letter}`}>
        in {run.letter}
      </Link>
    </td>
  );
}
