import { Fragment, type ReactNode } from 'react';
import { z } from 'zod';
import { Clipped } from '../ui/clipped.tsx';
import { FactList, type FactRow } from '../ui/fact-list.tsx';
import { count, measured } from '../ui/format.ts';
import { Attempts } from './attempt-list.tsx';
import { type Fact, recordedFacts } from './facts.ts';
import type { ExampleRun, Generation, Prediction } from './queries.ts';
import { labelText, referenceText, tokenText, verdictText } from './text.ts';
import { Word } from './word.tsx';

export interface AnswerTextProps {
  readonly run: ExampleRun;
  readonly example: string;
  readonly generation: Generation | undefined;
  readonly prediction: Prediction | undefined;
}

/** What was asked, what the model said, what is right, and how the answer came about. */
export function AnswerText({ run, example, generation, prediction }: AnswerTextProps): ReactNode {
  const reference = referenceText(generation?.reference) ?? prediction?.trueLabel ?? undefined;
  const clean = cleanPrompt(generation?.extra);
  return (
    <div className="answer">
      <div>
        {clean === undefined ? (
          <Passage title="Prompt">{generation?.prompt}</Passage>
        ) : (
          <div className="pair">
            <Passage title="Clean prompt">{clean}</Passage>
            <Passage title="Corrupted prompt" unlike={clean}>
              {generation?.prompt}
            </Passage>
          </div>
        )}
        {run.family === 'CHAOSBENCH' && prediction !== undefined ? (
          <Attempts response={generation?.response ?? null} prediction={prediction} />
        ) : (
          run.family !== 'FV' && <Passage title="Response">{generation?.response}</Passage>
        )}
        <Passage title="Reference">{run.family === 'FV' ? tokenText(reference) : reference}</Passage>
      </div>
      <FactList
        facts={[
          ...labels(generation, prediction),
          ['Example', <code key="id">{example}</code>],
          ['Model', generation?.modelId ?? prediction?.modelId ?? run.modelId ?? '–'],
          ['Benchmark', benchmark(run, generation, prediction)],
          ['Seed', generation?.seed ?? prediction?.seed ?? run.seed ?? '–'],
          ...(generation === undefined ? [] : recordedFacts(generation).map(factCells)),
        ]}
      />
      {recordedBesides(generation, prediction)}
    </div>
  );
}

function benchmark(run: ExampleRun, generation?: Generation, prediction?: Prediction): string {
  const name = generation?.benchmark ?? prediction?.benchmark ?? run.benchmark;
  const split = generation?.split ?? prediction?.split ?? run.split;
  return [name, split, prediction?.taskFamily]
    .filter((part) => part !== null && part !== undefined)
    .join(', ');
}

/** Labels, and who gave them. */
function labels(generation?: Generation, prediction?: Prediction): FactRow[] {
  const cells: FactRow[] = [];
  const label = generation?.halu ?? prediction?.labelHalu ?? null;
  if (label !== null) {
    const by = generation?.labelSource ?? null;
    cells.push([
      'Label',
      <Fragment key="label">
        <Word>{labelText(label)}</Word> {by !== null && <span className="quiet">by {by}</span>}
      </Fragment>,
    ]);
  }
  if (generation?.abstained === true) cells.push(['Declined', 'the model refused to answer']);
  if (prediction?.outcome !== null && prediction?.outcome !== undefined) {
    cells.push(['Judged', <Word key="verdict">{verdictText(prediction)}</Word>]);
  }
  return cells;
}

function factCells({ name, value }: Fact): FactRow {
  return [name, typeof value === 'number' ? measured(value) : value];
}

const trial = z.object({ clean_prompt_str: z.string() });

/** The prompt of a trial before its demonstrations were shuffled. */
function cleanPrompt(extra: unknown): string | undefined {
  const parsed = trial.safeParse(extra);
  return parsed.success ? parsed.data.clean_prompt_str : undefined;
}

interface PassageProps {
  readonly title: string;
  readonly children: string | null | undefined;
  /** Lines that this text does not have in the same place are marked. */
  readonly unlike?: string;
}

function Passage({ title, children: text, unlike }: PassageProps): ReactNode {
  return (
    <section className="passage">
      <h2>{title}</h2>
      {text === null || text === undefined ? (
        <p className="quiet">not recorded</p>
      ) : unlike === undefined ? (
        <Clipped room="passage">{text}</Clipped>
      ) : (
        <p className="text">{marked(text, unlike)}</p>
      )}
    </section>
  );
}

function marked(text: string, unlike: string): ReactNode[] {
  const others = unlike.split('\n');
  return text.split('\n').map((line, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name than their number
    <Fragment key={i}>
      {i > 0 && '\n'}
      {line === others[i] ? line : <mark>{line}</mark>}
    </Fragment>
  ));
}

/** What the artifacts say beyond the columns of the lake, as they say it. */
function recordedBesides(generation?: Generation, prediction?: Prediction): ReactNode {
  const parts = [
    ['the generation', generation?.extra],
    ['the prediction', prediction?.extra],
  ] as const;
  const said = parts.filter(([, extra]) => extra !== null && extra !== undefined);
  if (said.length === 0) return null;
  return (
    <div className="besides">
      {said.map(([what, extra]) => (
        <details key={what}>
          <summary>
            Also recorded with {what} ({count(Object.keys(Object(extra)).length)})
          </summary>
          <pre className="text">{JSON.stringify(extra, undefined, 2)}</pre>
        </details>
      ))}
    </div>
  );
}
