import type { ReactNode } from 'react';
import { directionOf } from '../metrics/direction.ts';
import { EstimateText } from '../metrics/estimate.tsx';
import { metricOf } from '../metrics/headline.ts';
import { type Estimate, standings } from '../metrics/standing.ts';
import { Choice } from '../ui/choice.tsx';
import { Empty } from '../ui/states.tsx';
import type { ComparedRun } from './queries.ts';
import { RunHeads } from './run-heads.tsx';
import type { CompareView } from './view.ts';

const SOURCES = { reported: 'as reported', recomputed: 'recomputed by Runlake' } as const;

export interface MetricTableProps {
  readonly runs: readonly ComparedRun[];
  readonly view: CompareView;
  readonly show: (view: CompareView) => void;
}

/** The metrics of the runs side by side. */
export function MetricTable({ runs, view, show }: MetricTableProps): ReactNode {
  const scopes = [...new Set(runs.flatMap(({ metrics }) => metrics.map(({ scope }) => scope)))].sort(byScope);
  const names = namesOf(runs, view);
  return (
    <>
      <div className="filters">
        <Choice
          label="Of"
          options={Object.fromEntries(scopes.map((scope) => [scope, scope]))}
          among={scopes}
          chosen={view.scope}
          choose={(scope) => show({ ...view, scope })}
        />
        <Choice
          label="Numbers"
          options={SOURCES}
          among={['reported', 'recomputed']}
          chosen={view.source}
          choose={(source) => show({ ...view, source })}
        />
      </div>
      {names.length === 0 ? (
        <Empty>
          No run has a metric of {view.scope} that is {view.source}.
        </Empty>
      ) : (
        <div className="scroll">
          <table className="side-by-side">
            <thead>
              <tr>
                <th>Metric</th>
                <RunHeads runs={runs} />
              </tr>
            </thead>
            <tbody>
              {names.map((name) => (
                <MetricRow key={name} name={name} runs={runs} view={view} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function MetricRow({ name, runs, view }: { name: string; runs: readonly ComparedRun[]; view: CompareView }) {
  const direction = directionOf(name);
  const estimates = runs.map((run) => estimateOf(run, name, view));
  const standing = standings(estimates, direction);
  return (
    <tr>
      <th scope="row">
        {name}
        {direction !== undefined && <span className="quiet">{direction === 'higher' ? ' ↑' : ' ↓'}</span>}
      </th>
      {estimates.map((estimate, i) => (
        <td key={runs[i]?.id}>
          {estimate === undefined ? '–' : <EstimateText {...estimate} standing={standing[i]} />}
        </td>
      ))}
    </tr>
  );
}

function estimateOf(run: ComparedRun, name: string, { scope, source }: CompareView): Estimate | undefined {
  const metrics = run.metrics.filter((metric) => metric.scope === scope && metric.source === source);
  const metric = metricOf(metrics, name, run.split);
  return metric && { value: metric.value, low: metric.ciLow, high: metric.ciHigh };
}

/** The metrics of a part of the runs: what has a good end first, then what all runs have. */
function namesOf(runs: readonly ComparedRun[], view: CompareView): string[] {
  const names = new Set(runs.flatMap(({ metrics }) => metrics.map(({ metric }) => metric)));
  const known = [...names].flatMap((name) => {
    const having = runs.filter((run) => estimateOf(run, name, view) !== undefined).length;
    return having === 0 ? [] : [{ name, having, judged: directionOf(name) !== undefined }];
  });
  return known
    .sort(
      (a, b) =>
        Number(b.judged) - Number(a.judged) || b.having - a.having || a.name.localeCompare(b.name, 'en'),
    )
    .map(({ name }) => name);
}

/** The whole first; numbers in names by their size. */
function byScope(a: string, b: string): number {
  if (a === 'overall' || b === 'overall') return Number(b === 'overall') - Number(a === 'overall');
  return a.localeCompare(b, 'en', { numeric: true });
}
