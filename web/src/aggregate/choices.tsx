import type { ReactNode } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { Choice } from '../ui/choice.tsx';
import { Choices } from '../ui/choices.tsx';
import { count } from '../ui/format.ts';
import { Popup } from '../ui/popup.tsx';
import { DIMENSIONS, pointersOf, titleOf } from './dimensions.ts';
import { CHOICES } from './queries.ts';
import type { AggregateView } from './view.ts';

const NONE = 'none';

export interface AggregateChoicesProps {
  readonly view: AggregateView;
  readonly metric: string | undefined;
  /** Those that runs have, and how many. */
  readonly metrics: readonly { readonly name: string; readonly n: number }[];
  readonly show: (view: AggregateView) => void;
}

/** Which number is shown, and by what runs are grouped. */
export function AggregateChoices({ view, metric, metrics, show }: AggregateChoicesProps): ReactNode {
  const { data } = useAnswer(CHOICES);
  const pointers = (data?.structures.rows ?? []).flatMap(([structure]) => pointersIn(structure)).sort();
  const groupings = withNamed([...Object.keys(DIMENSIONS), ...pointers], view);
  const scopes = (data?.scopes.rows ?? []).map(([scope, n]) => ({ name: scope, n }));
  const change = (changed: Partial<AggregateView>) => show({ ...view, cell: null, ...changed });
  return (
    <div className="filters aggregate-choices">
      <Counted label="Metric" values={metrics} chosen={metric} choose={(name) => change({ metric: name })} />
      <Popup label={`Rows: ${view.rows.map(titleOf).join(', ')}`}>
        <Choices
          title="Rows"
          choices={groupings
            .filter((name) => name !== view.column)
            .map((name) => ({ value: name, label: titleOf(name) }))}
          chosen={view.rows}
          choose={(rows) => change({ rows })}
        />
      </Popup>
      <Choice
        label="Columns"
        options={{
          ...Object.fromEntries(groupings.map((name) => [name, titleOf(name)])),
          [NONE]: 'one for all',
        }}
        among={[NONE, ...groupings]}
        chosen={view.column ?? NONE}
        choose={(name) =>
          change({
            column: name === NONE ? null : name,
            rows: view.rows.filter((row) => row !== name),
          })
        }
      />
      {!view.rows.includes('SCOPE') && view.column !== 'SCOPE' && (
        <Counted label="Of" values={scopes} chosen={view.scope} choose={(scope) => change({ scope })} />
      )}
      <Choice
        label="Numbers"
        options={{ reported: 'as reported', recomputed: 'recomputed by Runlake' }}
        among={['reported', 'recomputed']}
        chosen={view.source}
        choose={(source) => change({ source })}
      />
    </div>
  );
}

interface CountedProps {
  readonly label: string;
  readonly values: readonly { readonly name: string; readonly n: number }[];
  readonly chosen: string | undefined;
  readonly choose: (name: string) => void;
}

/** A choice that says how many runs have each value. */
function Counted({ label, values, chosen, choose }: CountedProps): ReactNode {
  const known = new Map(values.map(({ name, n }) => [name, n]));
  if (chosen !== undefined && !known.has(chosen)) known.set(chosen, 0);
  return (
    <Choice
      label={label}
      options={Object.fromEntries([...known].map(([name, n]) => [name, `${name} (${count(n)})`]))}
      among={[...known.keys()]}
      chosen={chosen}
      choose={choose}
    />
  );
}

/** The pointers in a structure as DuckDB gives it: a text of JSON. */
function pointersIn(structure: unknown): string[] {
  if (typeof structure !== 'string') return pointersOf(structure);
  try {
    return pointersOf(JSON.parse(structure));
  } catch {
    return [];
  }
}

function withNamed(known: readonly string[], { rows, column }: AggregateView): string[] {
  return [...new Set([...known, ...rows, ...(column === null ? [] : [column])])];
}
