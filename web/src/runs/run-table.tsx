import { defaultRangeExtractor, type Range, useVirtualizer } from '@tanstack/react-virtual';
import { Fragment, type ReactNode, useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { count } from '../ui/format.ts';
import { useLasting } from '../ui/use-lasting.ts';
import { runAddress } from './address.ts';
import { COLUMNS, type ColumnId, METRIC_WIDTH } from './columns.ts';
import { RunRow } from './run-row.tsx';
import { ALL_RUNS, isSelected, NO_RUNS, type Selection, selectedCount, withRuns } from './selection.ts';
import { useRowControl } from './use-row-control.ts';
import type { LoadedRuns } from './use-runs.ts';
import type { RunsView } from './view.ts';

const ROW_HEIGHT = 34;
/** Rows above and below those in sight that are in the document. */
const OVERSCAN = 12;
/** Rows before the end of what is loaded at which more is fetched. */
const AHEAD = 100;
const BOX_WIDTH = 2.3;
/** How long the rows of the view before stay as they are until they are dimmed. */
const OLD_MS = 250;

export interface RunTableProps {
  readonly runs: LoadedRuns;
  readonly view: RunsView;
  readonly show: (view: RunsView) => void;
  readonly selection: Selection;
  readonly select: (selection: Selection) => void;
}

/** Runs by rows, as long as there are runs. Only those in sight are in the document; those that are not loaded are when they come into sight. */
export function RunTable({ runs, view, show, selection, select }: RunTableProps): ReactNode {
  const { rows = [], total, more } = runs;
  const { columns, metrics } = view;
  const place = useRef<HTMLElement>(null);
  const [, go] = useLocation();
  const [lastReached, reach] = useState(0);
  const reached = Math.min(lastReached, Math.max(0, rows.length - 1));
  const list = useVirtualizer({
    count: total,
    getScrollElement: () => place.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
    // The header covers as much.
    scrollPaddingEnd: ROW_HEIGHT,
    // A row that has the focus stays, wherever the reader scrolls to.
    rangeExtractor: (range: Range) =>
      [...new Set([...defaultRangeExtractor(range), reached])].sort((a, b) => a - b),
  });
  const control = useRowControl({
    place,
    reached,
    reach,
    rows: rows.length,
    isSelected: (index) => isSelected(selection, rows[index]?.id ?? ''),
    select: (from, to, chosen) => {
      const ids = rows.slice(from, to + 1).map(({ id }) => id);
      select(withRuns(selection, ids, chosen));
    },
    open: (index) => {
      const run = rows[index];
      if (run !== undefined) go(runAddress(run.id));
    },
    scrollTo: (index) => list.scrollToIndex(index),
  });
  const lastInSight = list.range?.endIndex ?? 0;
  useEffect(() => {
    if (lastInSight + AHEAD >= rows.length) more?.();
  }, [lastInSight, rows.length, more]);
  const widths = [BOX_WIDTH, ...columns.map((id) => COLUMNS[id].width), ...metrics.map(() => METRIC_WIDTH)];
  const old = useLasting(runs.outdated, OLD_MS);
  let end = 0;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="scroll run-table" ref={place} tabIndex={0} aria-label="Table of runs">
      <table
        aria-rowcount={total + 1}
        aria-busy={runs.outdated}
        style={{ minWidth: `${widths.reduce((sum, width) => sum + width)}rem` }}
      >
        <colgroup>
          {widths.map((width, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: columns have no identity but their place
            <col key={i} style={{ width: `${width}rem` }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <th className="box">
              <SelectAll total={total} selection={selection} select={select} />
            </th>
            {columns.map((id) => (
              <SortHeader key={id} id={id} view={view} show={show} />
            ))}
            {metrics.map((name) => (
              <th key={name} title={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody
          className={old ? 'old' : undefined}
          onClick={control.onClick}
          onMouseDown={control.onMouseDown}
          onFocus={control.onFocus}
          onKeyDown={control.onKeyDown}
        >
          {list.getVirtualItems().map(({ index, start, end: itsEnd }) => {
            const gap = start - end;
            end = itsEnd;
            const run = rows[index];
            return (
              <Fragment key={run?.id ?? index}>
                <Spacer height={gap} />
                {run === undefined ? (
                  <tr aria-rowindex={index + 2}>
                    <td colSpan={widths.length} className="quiet">
                      …
                    </td>
                  </tr>
                ) : (
                  <RunRow
                    run={run}
                    index={index}
                    columns={columns}
                    metrics={metrics}
                    selected={isSelected(selection, run.id)}
                    reached={index === reached}
                  />
                )}
              </Fragment>
            );
          })}
          <Spacer height={list.getTotalSize() - end} />
        </tbody>
      </table>
    </section>
  );
}

/** Stands for the rows out of sight. */
function Spacer({ height }: { height: number }): ReactNode {
  return height > 0 ? <tr style={{ height }} /> : null;
}

interface SelectAllProps {
  readonly total: number;
  readonly selection: Selection;
  readonly select: (selection: Selection) => void;
}

function SelectAll({ total, selection, select }: SelectAllProps): ReactNode {
  const chosen = selectedCount(selection, total);
  const every = selection.all && selection.ids.size === 0;
  return (
    <input
      type="checkbox"
      aria-label={`Select all ${count(total)} runs that the filters leave`}
      title={`Select all ${count(total)} runs that the filters leave`}
      checked={every}
      ref={(box) => {
        if (box !== null) box.indeterminate = chosen > 0 && !every;
      }}
      onChange={() => select(every ? NO_RUNS : ALL_RUNS)}
    />
  );
}

interface SortHeaderProps {
  readonly id: ColumnId;
  readonly view: RunsView;
  readonly show: (view: RunsView) => void;
}

function SortHeader({ id, view, show }: SortHeaderProps): ReactNode {
  const { title, order, numeric } = COLUMNS[id];
  const { descending, field } = view.order;
  const sorted = field === order;
  if (order === undefined) return <th className={numeric ? 'number' : undefined}>{title}</th>;
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
