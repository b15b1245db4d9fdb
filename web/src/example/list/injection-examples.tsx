import type { ReactNode } from 'react';
import { z } from 'zod';
import { useAnswer } from '../../api/use-answer.ts';
import { Choice, useChoice } from '../../ui/choice.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { INJECTION_COLUMNS, TRIAL_COLUMNS } from './columns.tsx';
import { ExampleTable } from './list-table.tsx';
import { headList, ITSELF, injectionLists } from './lists.ts';
import { INJECTION_ROWS, TRIAL_ROWS } from './rows.ts';

const WHAT_THERE_IS = {
  query: `query ($id: String!, $itself: [FvInjectionFilter!]!) {
    fvInjections(filter: { runId: { eq: $id }, or: $itself }, orderBy: [{ field: LAYER }], first: 1000) { nodes { layer meanDeltaP } }
    fvHeads(filter: { runId: { eq: $id }, rank: { isNull: false } }, orderBy: [{ field: RANK }], first: 1) { nodes { layer head trials(first: 1) { exampleId } } }
  }`,
  schema: z.object({
    fvInjections: z.object({
      nodes: z.array(z.object({ layer: z.number(), meanDeltaP: z.number().nullable() })),
    }),
    fvHeads: z.object({
      nodes: z.array(
        z.object({
          layer: z.number(),
          head: z.number(),
          trials: z.array(z.object({ exampleId: z.unknown() })),
        }),
      ),
    }),
  }),
};

type Found = z.infer<typeof WHAT_THERE_IS.schema>;

/** Examples of a function-vector run: zero-shot prompts with the vector added, and trials with the first head patched. */
export function InjectionExamples({ id }: { id: string }): ReactNode {
  const result = useAnswer(WHAT_THERE_IS, { id, itself: ITSELF });
  return (
    <Answer result={result} what="examples">
      {(found) => <Lists id={id} found={found} />}
    </Answer>
  );
}

function Lists({ id, found }: { id: string; found: Found }): ReactNode {
  const injections = found.fvInjections.nodes;
  const best = injections.reduce<(typeof injections)[number] | undefined>(
    (top, one) => ((one.meanDeltaP ?? -1) > (top?.meanDeltaP ?? -1) ? one : top),
    undefined,
  )?.layer;
  const blocks = [...new Set(injections.map(({ layer }) => layer))].map(String);
  // The best block is shown unless the reader takes another.
  const [block, chooseBlock] = useChoice(
    'block',
    best === undefined ? blocks : [String(best), ...blocks.filter((one) => one !== String(best))],
  );
  const [first] = found.fvHeads.nodes;
  const lists = [
    ...(block === undefined ? [] : injectionLists(Number(block))),
    ...(first === undefined || first.trials.length === 0 ? [] : [headList(first.layer, first.head)]),
  ];
  const [name, choose] = useChoice(
    'list',
    lists.map((list) => list.name),
  );
  const list = lists.find((one) => one.name === name);
  if (list === undefined) return <Empty>This run has no examples: only their means.</Empty>;
  const injected = list.rows === 'fvInjectionTrials';
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
        {injected && (
          <Choice
            label="Vector added behind"
            options={Object.fromEntries(
              blocks.map((one) => [one, `block ${one}${one === String(best) ? ', the best' : ''}`]),
            )}
            among={blocks}
            chosen={block}
            choose={chooseBlock}
          />
        )}
      </div>
      {injected ? (
        <ExampleTable run={id} list={list} of={block} source={INJECTION_ROWS} columns={INJECTION_COLUMNS} />
      ) : (
        <ExampleTable
          run={id}
          list={list}
          of={`${first?.layer}.${first?.head}`}
          source={TRIAL_ROWS}
          columns={TRIAL_COLUMNS}
        />
      )}
    </>
  );
}
