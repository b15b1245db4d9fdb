import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { Choices } from '../ui/choices.tsx';
import { count } from '../ui/format.ts';
import { Popup } from '../ui/popup.tsx';
import { COLUMN_IDS, COLUMNS, DEFAULT_COLUMNS, FIRST_COLUMN } from './columns.ts';
import { FACET_VALUES } from './queries.ts';
import type { RunsView } from './view.ts';

/** Which columns the table has: properties of runs, and metrics by their name. */
export function ColumnChoice({ view, show }: { view: RunsView; show: (view: RunsView) => void }): ReactNode {
  return (
    <Popup label="Columns" side="right">
      <div className="column-choice">
        <Choices
          title="Columns"
          choices={COLUMN_IDS.filter((id) => id !== FIRST_COLUMN).map((id) => ({
            value: id,
            label: COLUMNS[id].title,
          }))}
          chosen={view.columns}
          choose={(chosen) =>
            show({
              ...view,
              columns: COLUMN_IDS.filter((id) => id === FIRST_COLUMN || chosen.includes(id)),
            })
          }
        />
        <MetricChoice view={view} show={show} />
      </div>
      <button type="button" onClick={() => show({ ...view, columns: DEFAULT_COLUMNS, metrics: [] })}>
        As at first
      </button>
    </Popup>
  );
}

function MetricChoice({ view, show }: { view: RunsView; show: (view: RunsView) => void }): ReactNode {
  const { data } = useAnswer(FACET_VALUES);
  const known = (data?.sql.rows ?? []).filter(([facet]) => facet === 'metric');
  const lost = view.metrics.filter((name) => !known.some(([, value]) => value === name));
  return (
    <Choices
      title="Metrics"
      choices={[
        ...known.map(([, value, n]) => ({ value, note: count(n) })),
        ...lost.map((value) => ({ value, note: '0' })),
      ]}
      chosen={view.metrics}
      choose={(metrics) => show({ ...view, metrics })}
    />
  );
}
