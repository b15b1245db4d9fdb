import { memo, type ReactNode } from 'react';
import { CELLS, MetricCell, RunLink } from './cells.tsx';
import { COLUMNS, type ColumnId, FIRST_COLUMN } from './columns.ts';
import type { RunRow as Run } from './queries.ts';

export interface RunRowProps {
  readonly run: Run;
  readonly index: number;
  readonly columns: readonly ColumnId[];
  readonly metrics: readonly string[];
  readonly selected: boolean;
  /** Whether its controls are those of the table that the Tab key reaches. */
  readonly reached: boolean;
}

/** A run in the table. The table answers for what happens to its controls, so that a row is drawn again only when it changes. */
export const RunRow = memo(Row, (before, after) =>
  PROPERTIES.every((name) => same(before[name], after[name])),
);

const PROPERTIES = ['run', 'index', 'columns', 'metrics', 'selected', 'reached'] as const;

/** Lists come anew from every address. */
function same(before: unknown, after: unknown): boolean {
  if (!Array.isArray(before) || !Array.isArray(after)) return before === after;
  return before.length === after.length && before.every((item, i) => item === after[i]);
}

function Row(props: RunRowProps): ReactNode {
  const { run, index, columns, metrics, selected, reached } = props;
  const tabIndex = reached ? 0 : -1;
  return (
    <tr data-index={index} aria-rowindex={index + 2} className={selected ? 'chosen' : undefined}>
      <td className="box">
        <input
          type="checkbox"
          checked={selected}
          readOnly
          tabIndex={tabIndex}
          data-control="box"
          aria-label={`Select ${run.id}`}
        />
      </td>
      {columns.map((id) => (
        <td key={id} className={COLUMNS[id].numeric ? 'number' : undefined}>
          {id === FIRST_COLUMN ? <RunLink run={run} tabIndex={tabIndex} /> : CELLS[id](run)}
        </td>
      ))}
      {metrics.map((name) => (
        <td key={name}>
          <MetricCell run={run} name={name} />
        </td>
      ))}
    </tr>
  );
}
