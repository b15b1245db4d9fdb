import type { ReactNode } from 'react';
import { Clipped } from '../../ui/clipped.tsx';
import { measured } from '../../ui/format.ts';
import { changeText, labelText, referenceText, tokenText, verdictText } from '../text.ts';
import { Word } from '../word.tsx';
import type { GenerationRow, InjectionRow, PredictionRow, TrialRow } from './rows.ts';

/** A column of a list of examples. */
export interface ExampleColumn<R> {
  readonly title: string;
  readonly numeric?: boolean;
  /** Of texts that want room. */
  readonly wide?: boolean;
  readonly cell: (row: R) => ReactNode;
}

/** A column of measured numbers. */
export function number<R>(title: string, value: (row: R) => number | null): ExampleColumn<R> {
  return {
    title,
    numeric: true,
    cell: (row) => <span title={value(row)?.toString() ?? ''}>{measured(value(row))}</span>,
  };
}

function text<R>(title: string, value: (row: R) => string | null | undefined): ExampleColumn<R> {
  return { title, wide: true, cell: (row) => <Clipped>{value(row)}</Clipped> };
}

function word<R>(title: string, value: (row: R) => string): ExampleColumn<R> {
  return { title, cell: (row) => <Word>{value(row)}</Word> };
}

const PROMPT = text<PredictionRow>('Prompt', ({ generation }) => generation?.prompt);
const RESPONSE = text<PredictionRow>('Response', ({ generation }) => generation?.response);

export const SCORED_COLUMNS: readonly ExampleColumn<PredictionRow>[] = [
  number('Score', ({ scoreHalu }) => scoreHalu),
  word('Label', ({ labelHalu }) => labelText(labelHalu)),
  PROMPT,
  RESPONSE,
  text('Reference', ({ generation }) => referenceText(generation?.reference)),
];

export const ANSWERED_COLUMNS: readonly ExampleColumn<PredictionRow>[] = [
  word('Answer', verdictText),
  { title: 'Said', cell: ({ predLabel }) => <Clipped>{predLabel}</Clipped> },
  { title: 'Truth', cell: ({ trueLabel }) => <Clipped>{trueLabel}</Clipped> },
  PROMPT,
  RESPONSE,
  { title: 'Task family', cell: ({ taskFamily }) => taskFamily ?? '–' },
  number('Seconds', ({ latencyS }) => latencyS),
];

/** For tasks of LM_EVAL, which are read by one or several filters. */
export const FILTERED_COLUMNS: readonly ExampleColumn<PredictionRow>[] = [
  ...ANSWERED_COLUMNS.slice(0, 5),
  { title: 'Filter', cell: ({ method }) => method ?? '–' },
];

export const GENERATION_COLUMNS: readonly ExampleColumn<GenerationRow>[] = [
  word('Label', ({ halu, abstained }) => (abstained === true ? 'declined' : labelText(halu))),
  text('Prompt', ({ prompt }) => prompt),
  text('Response', ({ response }) => response),
  text('Reference', ({ reference }) => referenceText(reference)),
];

export const INJECTION_COLUMNS: readonly ExampleColumn<InjectionRow>[] = [
  number('Δp', ({ deltaP }) => deltaP),
  number('p without', ({ pBase }) => pBase),
  number('p with', ({ pWith }) => pWith),
  { title: 'Most likely token', cell: (row) => changeText(row.accuracyBase, row.accuracyWith) },
  text('Prompt', ({ prompt }) => prompt),
  text('Answer', ({ answer }) => answer),
  { title: 'From', cell: ({ querySet }) => (querySet === 'held_out' ? 'held-out pairs' : 'its own prompts') },
];

export const TRIAL_COLUMNS: readonly ExampleColumn<TrialRow>[] = [
  number('Δp', ({ deltaP }) => deltaP),
  number('p without', ({ pBase }) => pBase),
  number('p patched', ({ pPatch }) => pPatch),
  { title: 'Target', cell: ({ targetToken }) => tokenText(targetToken) },
  text('Corrupted prompt', ({ generation }) => generation?.prompt),
];
