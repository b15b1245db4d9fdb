import type { Variables } from '../../api/client.ts';
import type { Key } from './order.ts';

/** What rows of a list are: the root field of the API that has them. */
export type RowKind = 'predictions' | 'generations' | 'fvInjectionTrials' | 'fvTrials';

/** Examples of a run in an order that answers a question. */
export interface ExampleList {
  /** In addresses. */
  readonly name: string;
  readonly title: string;
  readonly rows: RowKind;
  /** What it leaves of the run's rows. */
  readonly filter: Variables;
  /** The order; it tells all rows apart. */
  readonly keys: readonly Key[];
}

/** What the lists of a run depend on. */
export interface ListedRun {
  readonly id: string;
  readonly family: string;
  readonly nGenerations: number;
  readonly nPredictions: number;
}

const BY_LINE: readonly Key[] = [{ field: 'sourceLine' }, { field: 'exampleId' }];
const BY_NAME: readonly Key[] = [{ field: 'exampleId' }, { field: 'sourceLine' }];

const PREDICTED = { rows: 'predictions', filter: {} } as const;
const ANSWERED = { rows: 'generations', filter: {} } as const;
const IN_FILE = { name: 'file', title: 'in the order of the file', keys: BY_LINE } as const;

const SCORED: readonly ExampleList[] = [
  {
    name: 'missed',
    title: 'made up, but scored low',
    rows: 'predictions',
    filter: { labelHalu: { eq: true } },
    keys: [{ field: 'scoreHalu' }, ...BY_NAME],
  },
  {
    name: 'alarms',
    title: 'right, but scored high',
    rows: 'predictions',
    filter: { labelHalu: { eq: false } },
    keys: [{ field: 'scoreHalu', descending: true }, ...BY_NAME],
  },
  {
    ...PREDICTED,
    name: 'highest',
    title: 'highest score first',
    keys: [{ field: 'scoreHalu', descending: true }, ...BY_NAME],
  },
  { ...PREDICTED, ...IN_FILE },
];

const ANSWERS: readonly ExampleList[] = [
  {
    ...ANSWERED,
    name: 'answers',
    title: 'all answers, made up first',
    keys: [{ field: 'halu', descending: true }, ...BY_LINE],
  },
  { ...ANSWERED, ...IN_FILE, name: 'answers-file', title: 'all answers, in the order of the file' },
];

const WRONG_FIRST: ExampleList = {
  ...PREDICTED,
  name: 'wrong',
  title: 'unreadable and wrong answers first',
  keys: [{ field: 'correct', nullsFirst: true }, ...BY_LINE],
};

const ASKED_TWICE = '"retry_outcome":"';

const CHAOSBENCH: readonly ExampleList[] = [
  WRONG_FIRST,
  {
    name: 'unreadable',
    title: 'unreadable only: refused, cut off, neither',
    rows: 'predictions',
    filter: { outcome: { eq: 'INVALID' } },
    keys: BY_LINE,
  },
  {
    name: 'again',
    title: 'asked again only',
    rows: 'predictions',
    filter: { extra: { contains: ASKED_TWICE } },
    keys: [{ field: 'correct', nullsFirst: true }, ...BY_LINE],
  },
  {
    ...PREDICTED,
    name: 'slowest',
    title: 'slowest first',
    keys: [{ field: 'latencyS', descending: true }, ...BY_LINE],
  },
  { ...PREDICTED, ...IN_FILE },
];

const LM_EVAL: readonly ExampleList[] = [
  { ...WRONG_FIRST, title: 'wrong answers first', keys: [{ field: 'correct' }, ...BY_LINE] },
  { ...PREDICTED, ...IN_FILE },
];

/** The lists that a run has without a further choice; the first is shown unless the reader takes another. */
export function listsOf({ family, nPredictions, nGenerations }: ListedRun): readonly ExampleList[] {
  switch (family) {
    case 'CHAOSBENCH':
      return nPredictions > 0 ? CHAOSBENCH : [];
    case 'LM_EVAL':
      return nPredictions > 0 ? LM_EVAL : [];
    case 'HALLULENS':
      return [...(nPredictions > 0 ? SCORED : []), ...(nGenerations > 0 ? ANSWERS : [])];
    default:
      return [];
  }
}

/** The vector itself, not a control. Rows of older tools do not say. */
export const ITSELF: readonly Variables[] = [
  { vectorKind: { isNull: true } },
  { vectorKind: { eq: 'function_vector' } },
];
const BY_DRAWN: readonly Key[] = [{ field: 'exampleId' }, { field: 'querySet' }, { field: 'sourceLine' }];

/** Zero-shot examples with the function vector added behind a block. */
export function injectionLists(layer: number): readonly ExampleList[] {
  const at = { rows: 'fvInjectionTrials', filter: { layer: { eq: layer }, or: ITSELF } } as const;
  return [
    { ...at, name: 'least', title: 'helped least first', keys: [{ field: 'deltaP' }, ...BY_DRAWN] },
    {
      ...at,
      name: 'most',
      title: 'helped most first',
      keys: [{ field: 'deltaP', descending: true }, ...BY_DRAWN],
    },
  ];
}

/** Trials of a sweep with one head patched. */
export function headList(layer: number, head: number): ExampleList {
  return {
    name: 'trials',
    title: `trials that head ${head} of block ${layer} restores least`,
    rows: 'fvTrials',
    filter: { layer: { eq: layer }, head: { eq: head } },
    keys: [{ field: 'deltaP' }, { field: 'exampleId' }, { field: 'trialIdx' }, { field: 'qId' }],
  };
}

/** The rows of a list in a run. */
export function filterOf(list: Pick<ExampleList, 'filter'>, run: string): Variables {
  return { runId: { eq: run }, ...list.filter };
}

/** The list that an address names; for lists with a choice, `of` says which. The order of the file where it names none. */
export function listNamed(
  run: ListedRun,
  name: string | undefined,
  of: string | undefined,
): ExampleList | undefined {
  const [first, second] = (of?.match(/\d+/g) ?? []).map(Number);
  const lists =
    run.family !== 'FV'
      ? listsOf(run)
      : [
          ...(first === undefined ? [] : injectionLists(first)),
          ...(first === undefined || second === undefined ? [] : [headList(first, second)]),
        ];
  return lists.find((list) => list.name === (name ?? 'file')) ?? lists.find(({ keys }) => keys === BY_LINE);
}
