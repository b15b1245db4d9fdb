import { z } from 'zod';
import type { RowKind } from './lists.ts';

const number = z.number().nullable();
const string = z.string().nullable();
const boolean = z.boolean().nullable();

const texts = z.object({ prompt: string, response: string, reference: z.unknown() }).nullable();

export const predictionRow = z.object({
  exampleId: z.string(),
  sourceLine: number,
  scoreHalu: number,
  labelHalu: boolean,
  predHalu: boolean,
  predLabel: string,
  trueLabel: string,
  outcome: string,
  correct: boolean,
  latencyS: number,
  taskFamily: string,
  method: string,
  generation: texts,
});
export type PredictionRow = z.infer<typeof predictionRow>;

export const generationRow = z.object({
  exampleId: z.string(),
  sourceLine: number,
  prompt: string,
  response: string,
  reference: z.unknown(),
  halu: boolean,
  abstained: boolean,
  labelSource: string,
});
export type GenerationRow = z.infer<typeof generationRow>;

export const injectionRow = z.object({
  exampleId: z.string(),
  sourceLine: number,
  layer: z.number(),
  prompt: string,
  answer: string,
  querySet: string,
  pBase: number,
  pWith: number,
  deltaP: number,
  accuracyBase: number,
  accuracyWith: number,
});
export type InjectionRow = z.infer<typeof injectionRow>;

export const trialRow = z.object({
  exampleId: z.string(),
  sourceLine: number,
  trialIdx: z.number(),
  qId: string,
  pBase: number,
  pPatch: number,
  deltaP: number,
  targetToken: string,
  generation: texts,
});
export type TrialRow = z.infer<typeof trialRow>;

/** What a list shows of its rows, and the names of the inputs of their root fields. */
export interface RowSource<R> {
  readonly root: RowKind;
  readonly entity: string;
  readonly selection: string;
  readonly row: z.ZodType<R>;
}

const TEXTS = 'generation { prompt response reference }';

export const PREDICTION_ROWS: RowSource<PredictionRow> = {
  root: 'predictions',
  entity: 'Prediction',
  selection: `exampleId sourceLine scoreHalu labelHalu predHalu predLabel trueLabel outcome correct latencyS taskFamily method ${TEXTS}`,
  row: predictionRow,
};

export const GENERATION_ROWS: RowSource<GenerationRow> = {
  root: 'generations',
  entity: 'Generation',
  selection: 'exampleId sourceLine prompt response reference halu abstained labelSource',
  row: generationRow,
};

export const INJECTION_ROWS: RowSource<InjectionRow> = {
  root: 'fvInjectionTrials',
  entity: 'FvInjectionTrial',
  selection: 'exampleId sourceLine layer prompt answer querySet pBase pWith deltaP accuracyBase accuracyWith',
  row: injectionRow,
};

export const TRIAL_ROWS: RowSource<TrialRow> = {
  root: 'fvTrials',
  entity: 'FvTrial',
  selection: `exampleId sourceLine trialIdx qId pBase pPatch deltaP targetToken ${TEXTS}`,
  row: trialRow,
};

export const SOURCES = {
  predictions: PREDICTION_ROWS,
  generations: GENERATION_ROWS,
  fvInjectionTrials: INJECTION_ROWS,
  fvTrials: TRIAL_ROWS,
} as const;

/** A page of rows; `totalCount` comes with the first. */
export function pageQuestion<R>({ root, entity, selection, row }: RowSource<R>) {
  return {
    query: `query ($filter: ${entity}Filter!, $orderBy: [${entity}Order!]!, $after: String, $first: Boolean!) {
      page: ${root}(filter: $filter, orderBy: $orderBy, first: 25, after: $after) {
        nodes { ${selection} }
        pageInfo { hasNextPage endCursor }
        totalCount @include(if: $first)
      }
    }`,
    schema: z.object({
      page: z.object({
        nodes: z.array(row),
        pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
        totalCount: z.number().optional(),
      }),
    }),
  };
}

const step = z.object({ exampleId: z.string(), sourceLine: number });

/** The values that place one row in an order. */
export function hereQuestion({ root, entity }: RowSource<unknown>, fields: readonly string[]) {
  return {
    query: `query ($filter: ${entity}Filter!, $orderBy: [${entity}Order!]!, $asOf: AsOf) {
      here: ${root}(filter: $filter, orderBy: $orderBy, first: 1, asOf: $asOf) { nodes { ${[...new Set(fields)].join(' ')} } }
    }`,
    schema: z.object({ here: z.object({ nodes: z.array(z.record(z.string(), z.unknown())) }) }),
  };
}

/** The rows on both sides of one, and how many there are. */
export function sidesQuestion({ root, entity }: RowSource<unknown>) {
  const side = (name: string) =>
    `${name}: ${root}(filter: $${name}, orderBy: $${name}Order, first: 1, asOf: $asOf) { nodes { exampleId sourceLine } totalCount }`;
  const sides = z.object({ nodes: z.array(step), totalCount: z.number() });
  return {
    query: `query ($before: ${entity}Filter!, $beforeOrder: [${entity}Order!]!, $after: ${entity}Filter!, $afterOrder: [${entity}Order!]!, $asOf: AsOf) {
      ${side('before')}
      ${side('after')}
    }`,
    schema: z.object({ before: sides, after: sides }),
  };
}
