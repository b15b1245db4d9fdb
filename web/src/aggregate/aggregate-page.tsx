import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { HEADLINES } from '../metrics/headline.ts';
import { RunFilters } from '../runs/filters.tsx';
import { FACET_VALUES } from '../runs/queries.ts';
import { NO_RUNS } from '../runs/selection.ts';
import { count } from '../ui/format.ts';
import { Answer, Empty, Loading } from '../ui/states.tsx';
import { useAddress } from '../ui/use-address.ts';
import { AggregateChoices } from './choices.tsx';
import { GroupTable } from './group-table.tsx';
import { AGGREGATE } from './queries.ts';
import { RunsBehind } from './runs-behind.tsx';
import { SaveTable } from './save-table.tsx';
import { tableOf } from './table.ts';
import { type AggregateView, aggregateArguments, aggregateParameters, aggregateViewOf } from './view.ts';
import './aggregate.css';

/** A metric over groups of runs: what a paper's table has. */
export function AggregatePage(): ReactNode {
  const { parameters, show: showAddress } = useAddress();
  const view = aggregateViewOf(parameters);
  const show = (next: AggregateView) => showAddress(aggregateParameters(next));
  const { data: facets } = useAnswer(FACET_VALUES);
  const metrics = (facets?.sql.rows ?? [])
    .filter(([facet]) => facet === 'metric')
    .map(([, name, n]) => ({ name, n }));
  const metric =
    view.metric ?? HEADLINES.find((name) => metrics.some((known) => known.name === name)) ?? metrics[0]?.name;
  const named = view.selection.ids.size;
  return (
    <>
      <h1>Aggregate</h1>
      <p className="quiet">
        The mean of a metric over runs that have something in common, with the half-width of its 95 % interval
        (Student t across runs). Copies of a measurement count once.
      </p>
      <RunFilters filter={view.filter} show={(filter) => show({ ...view, filter, cell: null })} />
      {named > 0 && (
        <p>
          {view.selection.all
            ? `Without ${count(named)} of the runs that the filters leave.`
            : `Only ${count(named)} chosen runs.`}{' '}
          <button
            type="button"
            className="plain"
            onClick={() => show({ ...view, selection: NO_RUNS, cell: null })}
          >
            all that the filters leave
          </button>
        </p>
      )}
      <AggregateChoices view={view} metric={metric} metrics={metrics} show={show} />
      {metric !== undefined ? (
        <Aggregates view={view} metric={metric} show={show} />
      ) : facets === undefined ? (
        <Loading what="metrics" />
      ) : (
        <Empty>No run has a metric.</Empty>
      )}
    </>
  );
}

interface AggregatesProps {
  readonly view: AggregateView;
  readonly metric: string;
  readonly show: (view: AggregateView) => void;
}

function Aggregates({ view, metric, show }: AggregatesProps): ReactNode {
  const result = useAnswer(AGGREGATE, aggregateArguments(view, metric));
  // The groups of another question do not fit the rows and columns of this one.
  if (result.isPlaceholderData) return <Loading what="the numbers" />;
  return (
    <Answer result={result} what="the numbers">
      {({ aggregateMetrics }) => {
        const table = tableOf(aggregateMetrics, view, metric);
        if (table.rows.length === 0) {
          return (
            <Empty>
              None of these runs has {metric} of {view.scope} that is {view.source}.
            </Empty>
          );
        }
        const cells = table.rows.flatMap((row) => row.cells);
        const chosen = cells.find((cell) => cell?.key === view.cell);
        const toggle = (key: string) => show({ ...view, cell: key === view.cell ? null : key });
        return (
          <>
            <GroupTable table={table} view={view} metric={metric} toggle={toggle} />
            <SaveTable exported={{ table, view, metric }} />
            {chosen !== undefined && (
              <RunsBehind key={chosen.key} cell={chosen} view={view} metric={metric} />
            )}
          </>
        );
      }}
    </Answer>
  );
}
