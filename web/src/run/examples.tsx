import type { ReactNode } from 'react';
import {
  ANSWERED_COLUMNS,
  type ExampleColumn,
  FILTERED_COLUMNS,
  GENERATION_COLUMNS,
  SCORED_COLUMNS,
} from '../example/list/columns.tsx';
import { InjectionExamples } from '../example/list/injection-examples.tsx';
import { ExampleTable } from '../example/list/list-table.tsx';
import { type ExampleList, type ListedRun, listsOf } from '../example/list/lists.ts';
import { GENERATION_ROWS, PREDICTION_ROWS, type PredictionRow } from '../example/list/rows.ts';
import { SequenceExamples } from '../example/list/sequence-examples.tsx';
import { Choice, useChoice } from '../ui/choice.tsx';
import { Empty } from '../ui/states.tsx';

/** What the predictions of a family are about. */
const COLUMNS: Readonly<Record<string, readonly ExampleColumn<PredictionRow>[]>> = {
  HALLULENS: SCORED_COLUMNS,
  CHAOSBENCH: ANSWERED_COLUMNS,
  LM_EVAL: FILTERED_COLUMNS,
};

/** The examples of a run, those first that say most about what it gets wrong. */
export function Examples({ run }: { run: ListedRun }): ReactNode {
  switch (run.family) {
    case 'ENTROPY':
      return <SequenceExamples id={run.id} />;
    case 'FV':
      return <InjectionExamples id={run.id} />;
    default:
      return <Listed run={run} lists={listsOf(run)} />;
  }
}

function Listed({ run, lists }: { run: ListedRun; lists: readonly ExampleList[] }): ReactNode {
  const [name, choose] = useChoice(
    'list',
    lists.map((list) => list.name),
  );
  const list = lists.find((one) => one.name === name);
  if (list === undefined) return <Empty>This run has no examples: only its metrics.</Empty>;
  return (
    <>
      <div className="filters lists">
        <Choice
          label="Show"
          options={Object.fromEntries(lists.map((one) => [one.name, one.title]))}
          among={lists.map((one) => one.name)}
          chosen={name}
          choose={choose}
        />
      </div>
      {list.rows === 'generations' ? (
        <ExampleTable run={run.id} list={list} source={GENERATION_ROWS} columns={GENERATION_COLUMNS} />
      ) : (
        <ExampleTable
          run={run.id}
          list={list}
          source={PREDICTION_ROWS}
          columns={COLUMNS[run.family] ?? ANSWERED_COLUMNS}
        />
      )}
    </>
  );
}
