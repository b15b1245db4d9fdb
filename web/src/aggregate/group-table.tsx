import { memo, type ReactNode } from 'react';
import { directionOf } from '../metrics/direction.ts';
import { Tied } from '../metrics/estimate.tsx';
import { count } from '../ui/format.ts';
import { titleOf } from './dimensions.ts';
import { rounded } from './rounded.ts';
import type { AggregateCell, AggregateRow, AggregateTable } from './table.ts';
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
          {/* biome-ignore lint/a11y/useKeyWithClickEvents: buttons of its cells are what is clicked, by keyboard too */}
          <tbody
            onClick={({ target }) => {
              const button = target instanceof Element ? target.closest('button') : null;
              const key = button?.dataset['key'];
              if (key !== undefined) toggle(key);
            }}
          >
            {table.rows.map((row) => (
              <Row
                key={JSON.stringify(row.names)}
                row={row}
                chosen={row.cells.some((cell) => cell?.key === view.cell) ? view.cell : null}
              />
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

interface RowProps {
  readonly row: AggregateRow;
  /** Key of the cell in it whose runs are shown. */
  readonly chosen: string | null;
}

/** The table answers for clicks, so that a row of a large one is drawn again only when it changes. */
const Row = memo(
  TableRow,
  (before, after) => before.chosen === after.chosen && sameCells(before.row, after.row),
);

/** The same groups of an answer make the same row. */
function sameCells({ cells: before }: AggregateRow, { cells: after }: AggregateRow): boolean {
  return before.length === after.length && before.every((cell, i) => cell?.group === after[i]?.group);
}

function TableRow({ row: { names, cells }, chosen }: RowProps): ReactNode {
  return (
    <tr>
      {names.map((name, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a name has no identity but its place
        <th key={i} scope="row">
          {name}
        </th>
      ))}
      {cells.map((cell, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: neither has a cell
        <td key={i} className="number">
          {cell === undefined ? (
            <span className="quiet">–</span>
          ) : (
            <Cell cell={cell} chosen={cell.key === chosen} />
          )}
        </td>
      ))}
    </tr>
  );
}

interface CellProps {
  readonly cell: AggregateCell;
  readonly chosen: boolean;
}

function Cell({ cell: { key, group, standing, pooled }, chosen }: CellProps): ReactNode {
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
      data-key={key}
      aria-expanded={chosen}
      title={title.filter((part) => part !== '').join(', ')}
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
