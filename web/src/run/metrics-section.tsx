import { type ReactNode, useState } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { measured } from '../ui/format.ts';
import { Answer, Empty } from '../ui/states.tsx';
import { METRICS, type MetricRow } from './metrics.ts';
import type { RunDetail } from './queries.ts';

const others = { scope: { ne: 'overall' } };

/** The numbers about a run; those of its parts are asked for when they are looked at. */
export function Metrics({ run: { id, metrics } }: { run: RunDetail }): ReactNode {
  return (
    <>
      {metrics.length === 0 ? (
        <Empty>This run has no metric of all of it.</Empty>
      ) : (
        <MetricTable name="Table of metrics" metrics={metrics} />
      )}
      <Parts id={id} />
    </>
  );
}

function Parts({ id }: { id: string }): ReactNode {
  const [open, setOpen] = useState(false);
  const result = useAnswer(METRICS, { id, filter: others }, { enabled: open });
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>By layer, family, learning rate or control</summary>
      {open && (
        <Answer result={result} what="metrics of the parts">
          {({ run }) =>
            run === null || run.metrics.length === 0 ? (
              <Empty>This run has no metric of a part of it.</Empty>
            ) : (
              <MetricTable name="Table of the metrics of parts" metrics={run.metrics} />
            )
          }
        </Answer>
      )}
    </details>
  );
}

interface MetricTableProps {
  readonly name: string;
  readonly metrics: readonly MetricRow[];
}

function MetricTable({ name, metrics }: MetricTableProps): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="scroll metrics" tabIndex={0} aria-label={name}>
      <table>
        <thead>
          <tr>
            <th>Metric</th>
            <th>Scope</th>
            <th className="number">Value</th>
            <th className="number">Interval</th>
            <th>Split</th>
            <th>Source</th>
          </tr>
        </thead>
        <tbody>
          {metrics.map(({ metric, scope, value, ciLow, ciHigh, split, source }) => (
            <tr key={`${scope} ${metric} ${split} ${source}`}>
              <td>{metric}</td>
              <td>{scope}</td>
              <td className="number" title={value === null ? '' : String(value)}>
                {measured(value, 4)}
              </td>
              <td className="number">{ciLow === null ? '' : `${measured(ciLow)} to ${measured(ciHigh)}`}</td>
              <td>{split ?? '–'}</td>
              <td>{source}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
