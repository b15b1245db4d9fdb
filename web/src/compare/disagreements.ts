import { z } from 'zod';
import { ask } from '../api/client.ts';
import { sqlText } from '../api/sql.ts';
import type { Disagreement } from './view.ts';

const PAGE = 20;

/** What a run says of an example. */
export interface Said {
  readonly score: number | null;
  /** Share of the common examples that it scores lower. */
  readonly rank: number | null;
  readonly label: boolean | null;
  readonly predHalu: boolean | null;
  readonly predLabel: string | null;
  readonly trueLabel: string | null;
  readonly outcome: string | null;
  readonly correct: boolean | null;
  readonly response: string | null;
}

/** An example about which two runs disagree. */
export interface Disagreeing {
  readonly exampleId: string;
  /** The part of the run that it belongs to, where runs have parts. */
  readonly scope: string | null;
  readonly kind: 'LOST' | 'GAINED' | 'CHANGED' | null;
  readonly prompt: string | null;
  readonly reference: unknown;
  readonly a: Said;
  readonly b: Said;
}

export interface DisagreementPage {
  readonly rows: readonly Disagreeing[];
  /** Where the next page goes on; null after the last. */
  readonly next: string | null;
}

export interface DisagreementRequest {
  readonly a: string;
  readonly b: string;
  readonly by: Disagreement;
  /** `next` of the page before. */
  readonly after: string | null;
  readonly signal: AbortSignal;
}

/** A page of the examples about which two runs disagree, with what was asked and answered. */
export async function disagreements(request: DisagreementRequest): Promise<DisagreementPage> {
  const { rows, next } = await (request.by === 'outcome' ? flips(request) : rankGaps(request));
  const texts = await textsOf(request, [...new Set(rows.map(({ exampleId }) => exampleId))]);
  return {
    next,
    rows: rows.map((row) => {
      const [a, b] = [request.a, request.b].map((run) => texts.get(`${run} ${row.exampleId}`));
      return {
        ...row,
        prompt: a?.prompt ?? b?.prompt ?? null,
        reference: a?.reference ?? b?.reference ?? null,
        a: { ...row.a, response: a?.response ?? null },
        b: { ...row.b, response: b?.response ?? null },
      };
    }),
  };
}

const prediction = z.object({
  scoreHalu: z.number().nullable(),
  labelHalu: z.boolean().nullable(),
  predHalu: z.boolean().nullable(),
  predLabel: z.string().nullable(),
  trueLabel: z.string().nullable(),
  outcome: z.string().nullable(),
  correct: z.boolean().nullable(),
});
const PREDICTION = '{ scoreHalu labelHalu predHalu predLabel trueLabel outcome correct }';

const FLIPS = {
  query: `query ($a: ID!, $b: ID!, $first: Int!, $after: String) { compareRuns(a: $a, b: $b, first: $first, after: $after) {
    flips { kind exampleId scope a ${PREDICTION} b ${PREDICTION} } endCursor
  } }`,
  schema: z.object({
    compareRuns: z.object({
      flips: z.array(
        z.object({
          kind: z.enum(['LOST', 'GAINED', 'CHANGED']),
          exampleId: z.string(),
          scope: z.string().nullable(),
          a: prediction,
          b: prediction,
        }),
      ),
      endCursor: z.string().nullable(),
    }),
  }),
};

type Untold = Omit<Disagreeing, 'prompt' | 'reference'>;
interface UntoldPage {
  readonly rows: readonly Untold[];
  readonly next: string | null;
}

async function flips({ a, b, after, signal }: DisagreementRequest): Promise<UntoldPage> {
  const { compareRuns } = await ask(FLIPS.query, FLIPS.schema, { a, b, first: PAGE, after }, signal);
  const said = ({ scoreHalu, labelHalu, ...rest }: z.infer<typeof prediction>): Said => ({
    ...rest,
    score: scoreHalu,
    label: labelHalu,
    rank: null,
    response: null,
  });
  return {
    rows: compareRuns.flips.map((flip) => ({ ...flip, a: said(flip.a), b: said(flip.b) })),
    next: compareRuns.endCursor,
  };
}

const scored = [
  z.number(),
  z.boolean().nullable(),
  z.boolean().nullable(),
  z.boolean().nullable(),
  z.number(),
] as const;

const GAPS = {
  query: `query ($sql: String!) { sql(query: $sql, maxRows: ${PAGE + 1}) { rows } }`,
  schema: z.object({ sql: z.object({ rows: z.array(z.tuple([z.string(), ...scored, ...scored])) }) }),
};

/**
 * Common examples by how far apart their ranks are: scores of two methods have no common scale, their orders have. Examples that a run
 * predicts more than once have no one partner.
 */
function gapStatement(a: string, b: string, offset: number): string {
  const side = (of: 'a' | 'b') =>
    `${of}.score, ${of}.label_halu, ${of}.pred_halu, ${of}.correct, percent_rank() OVER (ORDER BY ${of}.score) AS rank_${of}`;
  return `WITH scored AS (
      SELECT run_id, example_id, score_halu AS score, label_halu, pred_halu, correct FROM predictions
      WHERE run_id IN (${sqlText(a)}, ${sqlText(b)}) AND isfinite(score_halu)
      QUALIFY count(*) OVER (PARTITION BY run_id, example_id) = 1)
    SELECT a.example_id, ${side('a')}, ${side('b')} FROM scored a JOIN scored b USING (example_id)
    WHERE a.run_id = ${sqlText(a)} AND b.run_id = ${sqlText(b)}
    ORDER BY abs(rank_a - rank_b) DESC, a.example_id LIMIT ${PAGE + 1} OFFSET ${offset}`;
}

async function rankGaps({ a, b, after, signal }: DisagreementRequest): Promise<UntoldPage> {
  const offset = Number(after ?? 0);
  const { sql } = await ask(GAPS.query, GAPS.schema, { sql: gapStatement(a, b, offset) }, signal);
  const said = (
    score: number,
    label: boolean | null,
    predHalu: boolean | null,
    correct: boolean | null,
    rank: number,
  ): Said => ({
    ...{ score, label, predHalu, correct, rank },
    ...{ predLabel: null, trueLabel: null, outcome: null, response: null },
  });
  return {
    rows: sql.rows
      .slice(0, PAGE)
      .map(([exampleId, aScore, aLabel, aPred, aCorrect, aRank, bScore, bLabel, bPred, bCorrect, bRank]) => ({
        exampleId,
        scope: null,
        kind: null,
        a: said(aScore, aLabel, aPred, aCorrect, aRank),
        b: said(bScore, bLabel, bPred, bCorrect, bRank),
      })),
    next: sql.rows.length > PAGE ? String(offset + PAGE) : null,
  };
}

const TEXTS = {
  query: `query ($filter: GenerationFilter!) { generations(filter: $filter, first: 1000) {
    nodes { runId exampleId prompt response reference }
  } }`,
  schema: z.object({
    generations: z.object({
      nodes: z.array(
        z.object({
          runId: z.string(),
          exampleId: z.string(),
          prompt: z.string().nullable(),
          response: z.string().nullable(),
          reference: z.unknown(),
        }),
      ),
    }),
  }),
};

async function textsOf({ a, b, signal }: DisagreementRequest, examples: readonly string[]) {
  if (examples.length === 0) return new Map<string, never>();
  const filter = { runId: { in: [a, b] }, exampleId: { in: examples } };
  const { generations } = await ask(TEXTS.query, TEXTS.schema, { filter }, signal);
  return new Map(generations.nodes.map((node) => [`${node.runId} ${node.exampleId}`, node]));
}
