import { type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'wouter';
import { useAnswer } from '../api/use-answer.ts';
import { compareAddress, MOST_COMPARED } from '../compare/address.ts';
import { runAddress } from '../runs/address.ts';
import { MOST_IN_ADDRESS } from '../runs/selection.ts';
import { count, measured } from '../ui/format.ts';
import { Answer } from '../ui/states.tsx';
import { dimensionFilter, titleOf } from './dimensions.ts';
import { BEHIND, type GroupWithRuns } from './queries.ts';
import { type AggregateCell, tableOf } from './table.ts';
import { type AggregateView, aggregateArguments } from './view.ts';

/** Most runs that are listed. */
const SHOWN = 200;

export interface RunsBehindProps {
  readonly cell: AggregateCell;
  readonly view: AggregateView;
  readonly metric: string;
}

/** The runs of a cell, each with its value. */
export function RunsBehind({ cell, view, metric }: RunsBehindProps): ReactNode {
  const { filter, ...given } = aggregateArguments(view, metric);
  // The question of the table, asked of fewer runs: it need not tell the runs of all cells.
  const common = cell.group.dimensions.map(({ dimension, value }) => dimensionFilter(dimension, value));
  const result = useAnswer(BEHIND, { ...given, filter: { and: [filter, ...common] } });
  const names = [...view.rows, ...(view.column === null ? [] : [view.column])].map(titleOf);
  const values: unknown = JSON.parse(cell.key);
  const title = Array.isArray(values) ? values.map((value, i) => `${names[i]} ${value}`).join(', ') : '';
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  return (
    <section className="runs-behind">
      <h2 ref={heading}>{title}</h2>
      <Answer result={result} what="the runs">
        {({ aggregateMetrics }) => {
          const cells = tableOf(aggregateMetrics, view, metric).rows.flatMap((row) => row.cells);
          const group = cells.find((one) => one?.key === cell.key)?.group;
          return group === undefined ? null : <Values group={group} metric={metric} />;
        }}
      </Answer>
    </section>
  );
}

function Values({ group, metric }: { group: GroupWithRuns; metric: string }): ReactNode {
  const { runIds, seeds, values, nMissing } = group;
  return (
    <>
      <p>
        {runIds.length > 1 && runIds.length <= MOST_COMPARED && (
          <>
            <Link href={compareAddress(runIds)}>Compare them</Link>
            {' · '}
          </>
        )}
        {runIds.length <= MOST_IN_ADDRESS && (
          <Link href={`/runs?${new URLSearchParams(runIds.map((id) => ['run', id]))}`}>
            Select them among all runs
          </Link>
        )}
        {nMissing > 0 && <span className="quiet"> {count(nMissing)} more have no value.</span>}
      </p>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>Run</th>
              <th className="number">Seed</th>
              <th className="number">{metric}</th>
            </tr>
          </thead>
          <tbody>
            {runIds.slice(0, SHOWN).map((id, i) => (
              <tr key={id}>
                <td>
                  <Link href={runAddress(id)}>{id}</Link>
                </td>
                <td className="number">{seeds[i] ?? '–'}</td>
                <td className="number" title={String(values[i] ?? 'infinite')}>
                  {measured(values[i], 4)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {runIds.length > SHOWN && <p className="quiet">and {count(runIds.length - SHOWN)} more</p>}
    </>
  );
}
