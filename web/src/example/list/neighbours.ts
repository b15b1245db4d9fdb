import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import type { z } from 'zod';
import { ask, type Variables } from '../../api/client.ts';
import type { ExamplePlace } from '../address.ts';
import { type ExampleList, filterOf } from './lists.ts';
import { after, orderByOf, reversed } from './order.ts';
import { hereQuestion, SOURCES, sidesQuestion } from './rows.ts';
import { ordered, orderedFeatures, RATES, SEQUENCE_ORDERS, SEQUENCES } from './sequences.ts';

type Step = Pick<ExamplePlace, 'example' | 'line'>;

/** Where an example stands in a list. */
export interface Neighbours {
  readonly title: string;
  /** From 1. */
  readonly position: number;
  readonly total: number;
  readonly previous: Step | undefined;
  readonly next: Step | undefined;
}

type Sides = z.infer<ReturnType<typeof sidesQuestion>['schema']>;

function stepOf({ nodes: [node] }: Sides['before']): Step | undefined {
  return node && { example: node.exampleId, line: node.sourceLine };
}

/** Asks where an example stands in a list of the lake; undefined where the list does not have it. */
async function inLake(
  list: ExampleList,
  { run, example, line }: ExamplePlace,
  asOf: Variables | undefined,
  signal: AbortSignal,
): Promise<Neighbours | undefined> {
  const source = SOURCES[list.rows];
  const filter = filterOf(list, run);
  const [forwards, backwards] = [list.keys, reversed(list.keys)];
  const place = hereQuestion(
    source,
    forwards.map(({ field }) => field),
  );
  const own = [
    filter,
    { exampleId: { eq: example } },
    ...(line === null || line === undefined ? [] : [{ sourceLine: { eq: line } }]),
  ];
  const { here } = await ask(
    place.query,
    place.schema,
    { filter: { and: own }, orderBy: orderByOf(forwards), asOf },
    signal,
  );
  const [row] = here.nodes;
  if (row === undefined) return undefined;
  const sides = sidesQuestion(source);
  const found = await ask(
    sides.query,
    sides.schema,
    {
      before: { and: [filter, after(backwards, row)] },
      beforeOrder: orderByOf(backwards),
      after: { and: [filter, after(forwards, row)] },
      afterOrder: orderByOf(forwards),
      asOf,
    },
    signal,
  );
  return {
    title: list.title,
    position: found.before.totalCount + 1,
    total: found.before.totalCount + 1 + found.after.totalCount,
    previous: stepOf(found.before),
    next: stepOf(found.after),
  };
}

/** Where an item of a list stands that is here as a whole. */
export function among(title: string, names: readonly string[], name: string): Neighbours | undefined {
  const at = names.indexOf(name);
  if (at < 0) return undefined;
  const [previous, next] = [names[at - 1], names[at + 1]];
  return {
    title,
    position: at + 1,
    total: names.length,
    previous: previous === undefined ? undefined : { example: previous },
    next: next === undefined ? undefined : { example: next },
  };
}

async function inBatch(
  { run, example, list, of }: ExamplePlace,
  asOf: Variables | undefined,
  signal: AbortSignal,
): Promise<Neighbours | undefined> {
  const order = SEQUENCE_ORDERS.find(({ name }) => name === list);
  if (order === undefined || of === undefined) {
    const { entropyFeatures } = await ask(RATES.query, RATES.schema, { id: run, asOf }, signal);
    const rows = orderedFeatures(entropyFeatures.nodes);
    return among(
      'greatest linear term first',
      rows.map(({ sequence }) => String(sequence)),
      example,
    );
  }
  const { entropySequences } = await ask(
    SEQUENCES.query,
    SEQUENCES.schema,
    { id: run, eta: Number(of), asOf },
    signal,
  );
  const rows = ordered(entropySequences.nodes, order);
  return among(
    order.title,
    rows.map(({ sequence }) => String(sequence)),
    example,
  );
}

/** The examples before and after one in the list that it was opened from; null where it is in none. */
export function useNeighbours(
  place: ExamplePlace,
  list: ExampleList | 'batch' | undefined,
  asOf: Variables | undefined,
): UseQueryResult<Neighbours | null> {
  return useQuery({
    queryKey: ['neighbours', { ...place, near: undefined }],
    queryFn: async ({ signal }) => {
      if (list === undefined) return null;
      const found = list === 'batch' ? inBatch(place, asOf, signal) : inLake(list, place, asOf, signal);
      return (await found) ?? null;
    },
    placeholderData: keepPreviousData,
  });
}
