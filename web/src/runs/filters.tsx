import { type ReactNode, useId } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { Choices } from '../ui/choices.tsx';
import { count } from '../ui/format.ts';
import { Popup } from '../ui/popup.tsx';
import { FACET_VALUES } from './queries.ts';
import {
  dayOf,
  EVERY_RUN,
  FACETS,
  type Facet,
  isFiltered,
  type RunFilterView,
  withFacet,
} from './run-filter.ts';

const TITLES: Readonly<Record<Facet, string>> = {
  family: 'Family',
  method: 'Method',
  modelId: 'Model',
  benchmark: 'Benchmark',
  split: 'Split',
  status: 'Status',
  verdict: 'Verdict',
};

export interface RunFiltersProps {
  readonly filter: RunFilterView;
  readonly show: (filter: RunFilterView) => void;
}

/** Which runs are meant: by the values that their properties have, by when they were made, by a part of their id. */
export function RunFilters({ filter, show }: RunFiltersProps): ReactNode {
  const { data } = useAnswer(FACET_VALUES);
  const id = useId();
  const rows = data?.sql.rows ?? [];
  return (
    <search className="filters run-filters">
      <label htmlFor={`${id}-text`}>
        Id contains
        <input
          id={`${id}-text`}
          type="search"
          value={filter.text}
          onChange={({ target }) => show({ ...filter, text: target.value })}
        />
      </label>
      {FACETS.map((facet) => {
        const values = rows.filter(([name]) => name === facet).map(([, value, n]) => [value, n] as const);
        return (
          <FacetFilter
            key={facet}
            title={TITLES[facet]}
            values={values}
            chosen={filter.oneOf[facet] ?? []}
            choose={(chosen) => show(withFacet(filter, facet, chosen))}
          />
        );
      })}
      <Popup label={`Created${spanOf(filter)}`}>
        <fieldset className="choices">
          <legend>Made between two days (UTC), both included</legend>
          <DayInput title="From" day={filter.from} choose={(from) => show({ ...filter, from })} />
          <DayInput title="To" day={filter.to} choose={(to) => show({ ...filter, to })} />
        </fieldset>
      </Popup>
      <label className="line" htmlFor={`${id}-issues`}>
        <input
          id={`${id}-issues`}
          type="checkbox"
          checked={filter.withIssues}
          onChange={({ target }) => show({ ...filter, withIssues: target.checked })}
        />{' '}
        with issues
      </label>
      {isFiltered(filter) && (
        <button type="button" onClick={() => show(EVERY_RUN)}>
          Clear filters
        </button>
      )}
    </search>
  );
}

interface FacetFilterProps {
  readonly title: string;
  readonly values: readonly (readonly [value: string, n: number])[];
  readonly chosen: readonly string[];
  readonly choose: (chosen: readonly string[]) => void;
}

function FacetFilter({ title, values, chosen, choose }: FacetFilterProps): ReactNode {
  // A value that a link names is shown even where no run has it any more.
  const lost = chosen.filter((value) => !values.some(([known]) => known === value));
  if (values.length + lost.length < 2 && chosen.length === 0) return null;
  const [only] = chosen;
  return (
    <Popup label={chosen.length === 0 ? title : `${title}: ${chosen.length === 1 ? only : chosen.length}`}>
      <Choices
        title={title}
        choices={[
          ...values.map(([value, n]) => ({ value, note: count(n) })),
          ...lost.map((value) => ({ value, note: '0' })),
        ]}
        chosen={chosen}
        choose={choose}
      />
      {chosen.length > 0 && (
        <button type="button" onClick={() => choose([])}>
          Any {title.toLowerCase()}
        </button>
      )}
    </Popup>
  );
}

interface DayInputProps {
  readonly title: string;
  readonly day: string | null;
  readonly choose: (day: string | null) => void;
}

function DayInput({ title, day, choose }: DayInputProps): ReactNode {
  const id = useId();
  return (
    <label htmlFor={id}>
      {title}{' '}
      <input id={id} type="date" value={day ?? ''} onChange={({ target }) => choose(dayOf(target.value))} />
    </label>
  );
}

function spanOf({ from, to }: RunFilterView): string {
  if (from === null && to === null) return '';
  return `: ${from ?? '…'} to ${to ?? '…'}`;
}
