import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import type { Row } from '../lake/tables/schema.ts';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import { issueRow, predictionRow, runRow } from './test-support/rows.ts';

let app: FastifyInstance | undefined;
let lake: FakeLake | undefined;
afterEach(async () => {
  await app?.close();
  lake?.connection.closeSync();
  app = undefined;
  lake = undefined;
});

async function serve(rows: Record<string, Row[]>): Promise<FakeLake> {
  const created = await FakeLake.create(rows);
  lake = created;
  app = await createServer({ reader: created });
  return created;
}

async function ask(query: string, variables: object) {
  const response = await app?.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
  const answer = response?.json();
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer;
}

const PAGE = `query ($orderBy: [PredictionOrder!], $first: Int!, $after: String) {
  predictions(orderBy: $orderBy, first: $first, after: $after) {
    edges { cursor node { sourceLine } }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Follows endCursor to the end; `between` runs after each page. */
async function allPages(
  orderBy: object[],
  first: number,
  between?: (page: number) => Promise<void>,
): Promise<number[]> {
  const lines: number[] = [];
  let after: string | null = null;
  for (let page = 0; page < 200; page++) {
    const { data } = await ask(PAGE, { orderBy, first, after });
    const { edges, pageInfo } = data.predictions;
    lines.push(...edges.map((edge: { node: { sourceLine: number } }) => edge.node.sourceLine));
    expect(edges.length > 0 ? edges.at(-1).cursor : after).toBe(pageInfo.endCursor ?? after);
    if (!pageInfo.hasNextPage) return lines;
    after = pageInfo.endCursor;
    await between?.(page);
  }
  throw new Error('paging does not end');
}

const FIELDS = {
  EXAMPLE_ID: 'example_id',
  SCORE_HALU: 'score_halu',
  SEED: 'seed',
  CORRECT: 'correct',
  OUTCOME: 'outcome',
};
const orders = fc.array(
  fc.record({
    field: fc.constantFrom(...Object.keys(FIELDS)),
    direction: fc.constantFrom('ASC', 'DESC'),
    nulls: fc.constantFrom('FIRST', 'LAST'),
  }),
  { maxLength: 3 },
);
const rows = fc.array(
  fc.record({
    id: fc.constantFrom('a', 'b', 'é'),
    score: fc.option(fc.constantFrom(-Infinity, -0, 0, 0.1, Infinity, Number.NaN)),
    seed: fc.option(fc.constantFrom(0n, 9_007_199_254_740_993n, 9_007_199_254_740_992n)),
    correct: fc.option(fc.boolean()),
    outcome: fc.option(fc.constantFrom('', 'x', '\u0000', '"')),
  }),
  { maxLength: 25 },
);

describe('keyset paging', () => {
  it('concatenated pages are the whole ordered table, with ties, nulls and NaN', async () => {
    await fc.assert(
      fc.asyncProperty(rows, orders, fc.integer({ min: 1, max: 7 }), async (values, orderBy, first) => {
        const reader = await serve({
          runs: [runRow('r')],
          predictions: values.map(({ id, score, seed, correct, outcome }, i) =>
            predictionRow('r', id, { score_halu: score, seed, correct, outcome, source_line: BigInt(i) }),
          ),
        });
        const keys = orderBy.map(
          ({ field, direction, nulls }) =>
            `${FIELDS[field as keyof typeof FIELDS]} ${direction} NULLS ${nulls}`,
        );
        const { rows: expected } = await reader.query(
          `SELECT source_line FROM predictions_v0 ORDER BY ${[...keys, 'run_id', 'example_id', 'source_line'].join(', ')}`,
        );
        expect(await allPages(orderBy, first)).toEqual(expected.map(([line]) => Number(line)));
        await app?.close();
        reader.connection.closeSync();
      }),
      { numRuns: 25 },
    );
  });

  it('is not shifted by rows that are written between pages', async () => {
    const reader = await serve({
      runs: [runRow('r')],
      predictions: Array.from({ length: 10 }, (_, i) =>
        predictionRow('r', `e${i}`, { source_line: BigInt(i) }),
      ),
    });
    const lines = await allPages([{ field: 'EXAMPLE_ID', direction: 'DESC' }], 3, (page) =>
      reader.commit({
        predictions: [predictionRow('r', `e${9 - page}x`, { source_line: BigInt(100 + page) })],
      }),
    );
    expect(lines).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it('gives every one of rows that are equal in all columns', async () => {
    await serve({ runs: [runRow('r')], issues: Array.from({ length: 7 }, () => issueRow('r', 'SAME')) });
    let count = 0;
    let after: string | null = null;
    do {
      const { data } = await ask(
        'query ($after: String) { issues(first: 2, after: $after) { totalCount nodes { code } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      count += data.issues.nodes.length;
      expect(data.issues.totalCount).toBe(7);
      after = data.issues.pageInfo.hasNextPage ? data.issues.pageInfo.endCursor : null;
    } while (after !== null && count < 50);
    expect(count).toBe(7);
  });

  it('works where the filter leaves nothing to order by', async () => {
    await serve({ runs: [runRow('a'), runRow('b')] });
    const query = `query ($after: String) { runs(filter: {id: {eq: "a"}}, after: $after) { nodes { id } pageInfo { endCursor } } }`;
    const first = (await ask(query, {})).data.runs;
    expect(first.nodes).toEqual([{ id: 'a' }]);
    const second = (await ask(query, { after: first.pageInfo.endCursor })).data.runs;
    expect(second).toEqual({ nodes: [], pageInfo: { endCursor: null } });
  });

  it('refuses cursors of another query, forged ones and garbage with BAD_CURSOR', async () => {
    await serve({
      runs: [runRow('a'), runRow('b')],
      predictions: ['x', 'y', 'z'].map((id) => predictionRow('a', id, { score_halu: 0.5 })),
    });
    const { data } = await ask(PAGE, { first: 1, orderBy: [{ field: 'SCORE_HALU' }] });
    const cursor: string = data.predictions.pageInfo.endCursor;
    const fields = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const forge = (change: object) =>
      Buffer.from(JSON.stringify({ ...fields, ...change })).toString('base64url');
    const refused: [string, string][] = [
      ['predictions(first: 1, after: $after)', cursor],
      ['predictions(first: 1, after: $after, orderBy: [{field: SCORE_HALU, direction: DESC}])', cursor],
      [
        'predictions(first: 1, after: $after, filter: {runId: {eq: "a"}}, orderBy: [{field: SCORE_HALU}])',
        cursor,
      ],
      ['runs(first: 1, after: $after, orderBy: [{field: SEED}])', cursor],
      ['predictions(first: 1, after: $after, orderBy: [{field: SCORE_HALU}])', 'garbage'],
      [
        'predictions(first: 1, after: $after, orderBy: [{field: SCORE_HALU}])',
        forge({ k: ['x', 'y', 'z', 1] }),
      ],
      ['predictions(first: 1, after: $after, orderBy: [{field: SCORE_HALU}])', forge({ k: [] })],
      ['predictions(first: 1, after: $after, orderBy: [{field: SCORE_HALU}])', forge({ n: -1 })],
      ['predictions(first: 1, after: $after, orderBy: [{field: SCORE_HALU}])', forge({ k: { length: 4 } })],
    ];
    for (const [field, after] of refused) {
      const response = await app?.inject({
        method: 'POST',
        url: '/graphql',
        payload: {
          query: `query ($after: String) { ${field} { totalCount nodes { __typename } } }`,
          variables: { after },
        },
      });
      expect([field, response?.json().errors?.[0]?.extensions.code]).toEqual([field, 'BAD_CURSOR']);
    }
  });
});
