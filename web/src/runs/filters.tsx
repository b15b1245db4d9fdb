import { type ReactNode, useId } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { FACET_VALUES } from './queries.ts';
import { FACETS, type Facet, type RunsView } from './view.ts';

const TITLES: Readonly<Record<Facet, string>> = {
  family: 'Family',
  method: 'Method',
  modelId: 'Model',
  benchmark: 'Benchmark',
  status: 'Status',
  verdict: 'Verdict',
};

export function RunFilters({ view, show }: { view: RunsView; show: (view: RunsView) => void }): ReactNode {
  const { data } = useAnswer(FACET_VALUES);
  const id = useId();
  const rows = data?.sql.rows ?? [];
  const filtered = Object.keys(view.equals).length > 0 || view.text !== '' || view.withIssues;
  return (
    <search className="filters">
      {FACETS.map((facet) => {
        const chosen = view.equals[facet];
        const values = rows.filter(([name]) => name === facet);
        // A value that a link names is shown even where no run has it any more.
        if (chosen !== undefined && !values.some(([, value]) => value === chosen))
          values.push([facet, chosen, 0]);
        if (values.length === 0) return null;
        return (
          <label key={facet}>
            {TITLES[facet]}
            <select
              value={chosen ?? ''}
              onChange={({ target }) => {
                const { [facet]: _, ...others } = view.equals;
                show({
                  ...view,
                  equals: target.value === '' ? others : { ...others, [facet]: target.value },
                });
              }}
            >
              <option value="">all</option>
              {values.map(([, value, n]) => (
                <option key={value} value={value}>
                  {value} ({n})
                </option>
              ))}
            </select>
          </label>
        );
      })}
      <label htmlFor={`${id}-text`}>
        Id contains
        <input
          id={`${id}-text`}
          type="search"
          value={view.text}
          onChange={({ target }) => show({ ...view, text: target.value })}
        />
      </label>
      <label htmlFor={`${id}-issues`}>
        Issues
        <select
          id={`${id}-issues`}
          value={view.withIssues ? 'some' : ''}
          onChange={({ target }) => show({ ...view, withIssues: target.value === 'some' })}
        >
          <option value="">with and without</option>
          <option value="some">with issues</option>
        </select>
      </label>
      {filtered && (
        <button type="button" onClick={() => show({ ...view, equals: {}, text: '', withIssues: false })}>
          Clear
        </button>
      )}
    </search>
  );
}
