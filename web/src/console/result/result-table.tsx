import { useVirtualizer } from '@tanstack/react-virtual';
import { Fragment, type ReactNode, useMemo, useRef, useState } from 'react';
import { type ResultTable, textOf } from './tables.ts';

const ROW_HEIGHT = 30;
/** Rows that say how wide columns should be, and letters that a column shows at least and at most. */
const [SAMPLE, NARROW, WIDE] = [100, 5, 44];
/** Letters of a cell that are put into the page; the row's details have the rest. */
const SHOWN = 200;

/** Rows as a table of which only what is in sight is in the document; a row's number shows all of it. */
export function ResultRows({ table, label }: { table: ResultTable; label: string }): ReactNode {
  const { columns, rows } = table;
  const scroll = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<number>();
  const widths = useMemo(() => widthsOf(table), [table]);
  const numeric = useMemo(() => numericColumns(table), [table]);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 20,
  });
  const shown = list.getVirtualItems();
  const opened = open === undefined ? undefined : rows[open];
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="scroll result-rows" ref={scroll} tabIndex={0} aria-label={label}>
        <table
          aria-rowcount={rows.length + 1}
          style={{ width: `${widths.reduce((sum, ch) => sum + ch, 7)}ch` }}
        >
          <colgroup>
            <col style={{ width: '7ch' }} />
            {columns.map((column, i) => (
              <col key={column} style={{ width: `${widths[i]}ch` }} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              <th className="number">row</th>
              {columns.map((column, i) => (
                <th key={column} className={numeric[i] ? 'number' : undefined} title={column}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <Spacer height={shown[0]?.start ?? 0} />
            {shown.map(({ index }) => (
              <tr key={index} aria-rowindex={index + 2} className={open === index ? 'open' : undefined}>
                <td className="number">
                  <button
                    type="button"
                    className="plain"
                    aria-expanded={open === index}
                    onClick={() => setOpen(open === index ? undefined : index)}
                  >
                    {index + 1}
                  </button>
                </td>
                {rows[index]?.map((cell, i) => (
                  <td key={columns[i]} className={numeric[i] ? 'number' : undefined}>
                    <Cell value={cell} />
                  </td>
                ))}
              </tr>
            ))}
            <Spacer height={list.getTotalSize() - (shown.at(-1)?.end ?? 0)} />
          </tbody>
        </table>
      </section>
      {open !== undefined && opened !== undefined && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        <section className="row-details" tabIndex={0} aria-label={`Row ${open + 1}`}>
          <dl className="facts">
            {columns.map((column, i) => (
              <Fragment key={column}>
                <dt>{column}</dt>
                <dd className="text">
                  {opened[i] === null ? <span className="quiet">null</span> : textOf(opened[i])}
                </dd>
              </Fragment>
            ))}
          </dl>
        </section>
      )}
    </>
  );
}

function Cell({ value }: { value: unknown }): ReactNode {
  if (value === null) return <span className="quiet">null</span>;
  const text = textOf(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function Spacer({ height }: { height: number }): ReactNode {
  return height > 0 ? <tr style={{ height }} /> : null;
}

function widthsOf({ columns, rows }: ResultTable): readonly number[] {
  const sample = rows.slice(0, SAMPLE);
  return columns.map((column, i) => {
    const longest = sample.reduce((most, row) => Math.max(most, textOf(row[i]).length), column.length);
    return Math.min(Math.max(Math.ceil(1.15 * longest), NARROW), WIDE) + 3;
  });
}

function numericColumns({ columns, rows }: ResultTable): readonly boolean[] {
  return columns.map((_, i) => {
    const values = rows.slice(0, SAMPLE).flatMap((row) => (row[i] === null ? [] : [row[i]]));
    return values.length > 0 && values.every((value) => typeof value === 'number');
  });
}
