import type { ReactNode } from 'react';
import { directionOf } from '../metrics/direction.ts';
import { Tied } from '../metrics/estimate.tsx';
import { count } from '../ui/format.ts';
import { titleOf } from './dimensions.ts';
import { rounded } from './rounded.ts';
import type { AggregateCell, AggregateTable } from './table.ts';
import type { AggregateView } from './view.ts';

export interface GroupTableProps {
  readonly table: AggregateTable;
  readonly view: AggregateView;
  readonly metric: string;
  /** Shows the runs of a cell, or hides them. */
  readonly toggle: (key: string) => void;
}

export function GroupTable({ table, view, metric, toggle }: GroupTableProps): ReactNode {
  const direction = directionOf(metric);
  const pooled = table.rows.some(({ cells }) => cells.some((cell) => cell?.pooled));
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="scroll aggregates" tabIndex={0} aria-label={`Table of ${metric}`}>
        <table>
          <thead>
            <tr>
              {view.rows.map((name) => (
                <th key={name} scope="col">
                  {titleOf(name)}
                </th>
              ))}
              {table.columns.map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map(({ names, cells }) => (
              <tr key={JSON.stringify(names)}>
                {names.map((name, i) => (
                  <th key={view.rows[i]} scope="row">
                    {name}
                  </th>
                ))}
                {cells.map((cell, i) => (
                  <td key={table.columns[i]} className="number">
                    {cell === undefined ? (
                      <span className="quiet">–</span>
                    ) : (
                      <Cell cell={cell} chosen={cell.key === view.cell} toggle={() => toggle(cell.key)} />
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="quiet">
        {direction === undefined
          ? 'n: the number of runs.'
          : `Bold: the best of its column (${direction} is better). ≈: its interval overlaps that of the best. n: the number of runs; one run has no interval.`}{' '}
        {pooled &&
          '†: pools runs of one seed, which differ in something else too, such as the model: the interval is not one across seeds. Add it to the rows, or filter.'}
      </p>
    </>
  );
}

interface CellProps {
  readonly cell: AggregateCell;
  readonly chosen: boolean;
  readonly toggle: () => void;
}

function Cell({ cell: { group, standing, pooled }, chosen, toggle }: CellProps): ReactNode {
  const { n, nMissing, mean, halfWidth, sd } = group;
  const number = rounded(mean, halfWidth);
  const title = [
    `${count(n)} runs`,
    nMissing > 0 ? `${count(nMissing)} more without a value` : '',
    mean === null ? '' : `mean ${mean}`,
    sd === null ? '' : `standard deviation ${sd}`,
  ];
  return (
    <button
      type="button"
      className="cell"
      aria-expanded={chosen}
      title={title.filter((part) => part !== '').join(', ')}
      onClick={toggle}
    >
      {standing === 'best' ? <strong>{number?.value}</strong> : (number?.value ?? '–')}
      {number?.half !== undefined && <span className="quiet"> ± {number.half}</span>}
      {standing === 'tied' && <Tied />}{' '}
      <small className="quiet">
        n={count(n)}
        {pooled && '†'}
      </small>
    </button>
  );
}
