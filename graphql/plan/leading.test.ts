import fc from 'fast-check';
import { type GraphQLSchema, graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LakeReader, LeadingRowsRequest } from '../../lake/engine/types.ts';
import { CancelledError } from '../../lake/errors.ts';
import { Staging } from '../../lake/parquet/staging.ts';
import type { Row } from '../../lake/tables/schema.ts';
import { PREDICTIONS, RUNS } from '../../lake/tables/tables.ts';
import type { RunEntry } from '../../lake/visibility.ts';
import { type TemporaryLake, temporaryLake } from '../../test/support/temporary-lake.ts';
import { createSchema } from '../schema.ts';
import { requestContext } from '../test-support/request-context.ts';
import { runRow } from '../test-support/rows.ts';
import { columnOf, ENTITIES } from './entities.ts';

/** Few enough of everything that small tables have files of both kinds, ends of what is remembered, and things forgotten. */
const LIMITS = { fromRows: 0, unitRows: 8, candidates: 5, ahead: 2, maxTables: 24, maxBytes: 64e6 };

let schema: GraphQLSchema;
let open: TemporaryLake;
beforeAll(async () => {
  schema = await createSchema();
  open = await temporaryLake({ leadingRows: LIMITS });
});
afterAll(() => open.remove());

interface Stored {
  readonly run: string;
  readonly method?: string;
  readonly predictions: readonly Row[];
}

let ingests = 0;

/** Commits runs with their predictions, which lie in one file. */
async function put(runs: readonly Stored[]): Promise<void> {
  const { writer } = open;
  const connection = await writer.connect();
  const staging = new Staging(connection, writer.directory);
  const entries: RunEntry[] = [];
  for (const { run, method = 'm', predictions } of runs) {
    const ids = { run_id: run, ingest_id: `i${++ingests}` };
    entries.push({ ...ids, content_sha256: ids.ingest_id, stores: [] });
    await staging.append(
      PREDICTIONS,
      predictions.map((row) => ({ ...row, ...ids })),
    );
    await staging.append(RUNS, [{ ...runRow(run), ...ids, method }]);
  }
  const files = await staging.write();
  connection.closeSync();
  const file = files.get(PREDICTIONS.name);
  if (file !== undefined) {
    await writer.append([
      { table: PREDICTIONS.name, file, ingests: entries.map((entry) => entry.ingest_id) },
    ]);
  }
  await writer.commitRuns(files.get(RUNS.name)!, entries);
}

/**
 * What the lake answers, over leading rows where it can, without what statistics fix and with a small page's total; or over all
 * rows always, in the order of all keys, counted apart.
 */
async function ask(source: string, variableValues: Record<string, unknown>, leading: boolean) {
  const { lake } = open;
  let narrow = 0;
  const reader: LakeReader = {
    snapshot: (...args) => lake.snapshot(...args),
    relation: async (...args) => {
      const { isConstant, ...relation } = await lake.relation(...args);
      return leading ? { ...relation, ...(isConstant && { isConstant }) } : { ...relation, bytes: 1e12 };
    },
    size: (...args) => lake.size(...args),
    query: (...args) => lake.query(...args),
    sandboxedQuery: (...args) => lake.sandboxedQuery(...args),
    ...(leading && {
      leadingRows: async (...args) => {
        const found = await lake.leadingRows(...args);
        if (found !== undefined) narrow += 1;
        return found;
      },
    }),
  };
  const { data, errors } = await graphql({
    schema,
    source,
    variableValues,
    contextValue: requestContext(reader),
  });
  expect(errors).toBeUndefined();
  return { page: JSON.parse(JSON.stringify(data)).predictions, narrow };
}

const PAGE = `query ($filter: PredictionFilter, $orderBy: [PredictionOrder!], $first: Int!, $after: String) {
  predictions(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    edges { cursor node { runId exampleId scoreHalu seed outcome correct sourceLine run { method predictionCount } } }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}`;

/** Asks for pages until the end both ways, and expects them to be the same. @returns how many were found by leading rows */
async function samePages(variables: Record<string, unknown>): Promise<{ narrow: number; rows: number }> {
  let after: string | null = null;
  const sum = { narrow: 0, rows: 0 };
  do {
    const expected = await ask(PAGE, { ...variables, after }, false);
    const { page, narrow } = await ask(PAGE, { ...variables, after }, true);
    expect(page).toEqual(expected.page);
    sum.narrow += narrow;
    sum.rows += page.edges.length;
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  return sum;
}

const prediction = fc.record({
  example_id: fc.constantFrom('a', 'b', 'é', '😀'),
  score_halu: fc.option(fc.constantFrom(-Infinity, -0, 0, 0.1, 0.2, 0.3, Infinity, Number.NaN)),
  seed: fc.option(fc.constantFrom(0n, 9_007_199_254_740_993n, 9_007_199_254_740_992n)),
  outcome: fc.option(fc.constantFrom('', 'x', '"', '￿', '😀')),
  correct: fc.option(fc.boolean()),
});
const rows = fc.array(prediction, { maxLength: 8 });
const orderBy = fc.uniqueArray(
  fc.record({
    field: fc.constantFrom('SCORE_HALU', 'SEED', 'OUTCOME', 'CORRECT', 'EXAMPLE_ID', 'SOURCE_LINE'),
    direction: fc.constantFrom('ASC', 'DESC'),
    nulls: fc.constantFrom('FIRST', 'LAST'),
  }),
  { selector: ({ field }) => field, maxLength: 3 },
);
const plain = { example_id: 'a', score_halu: 0.1, seed: null, outcome: 'x', correct: true } as const;
const byScore = { field: 'SCORE_HALU', direction: 'DESC', nulls: 'LAST' } as const;
const condition = fc.constantFrom(
  {},
  { correct: { eq: true } },
  { not: { scoreHalu: { lte: 0.1 } } },
  { or: [{ scoreHalu: { gt: 0 } }, { outcome: { contains: 'x' } }] },
  { run: { method: { eq: 'm' } } },
);

describe('pages over leading rows', () => {
  it('are those of one statement, with ties, nulls, NaN, several files and rows that are not visible', async () => {
    let [narrow, cases] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(rows, { minLength: 1, maxLength: 3 }),
        rows,
        orderBy,
        condition,
        fc.integer({ min: 3, max: 7 }),
        async (files, later, order, where, first) => {
          const name = `case${cases++}`;
          let line = 0;
          // Rows that are not equal differ in their line; some are there twice.
          const ofCase = (all: readonly Row[]) =>
            all.flatMap((row) => {
              const placed = { ...row, benchmark: name, source_line: BigInt(line++) };
              return row['seed'] === null ? [placed, placed] : [placed];
            });
          for (const [i, all] of files.entries()) {
            // Every file holds a run that is replaced below, and one that stays.
            await put([
              { run: `${name}/${i}`, predictions: ofCase(all.slice(2)) },
              { run: `${name}/replaced`, predictions: ofCase(all.slice(0, 2)) },
            ]);
          }
          const variables = {
            filter: { and: [{ benchmark: { eq: name } }, where] },
            orderBy: order,
            first,
          };
          narrow += (await samePages(variables)).narrow;
          await put([{ run: `${name}/replaced`, method: 'other', predictions: ofCase(later) }]);
          narrow += (await samePages(variables)).narrow;
        },
      ),
      // The first has pages that are found by leading rows; of the others some have no order.
      { numRuns: 6, examples: [[[[plain, plain, plain]], [plain], [byScore], {}, 3]] },
    );
    expect(narrow).toBeGreaterThan(0);
    expect(open.lake.rememberedRows.tables).toBeLessThanOrEqual(LIMITS.maxTables);
  });

  it('are remembered: only files that a commit brought are searched, and what it replaced is not seen', async () => {
    const scored = (from: number, n: number): Row[] =>
      Array.from({ length: n }, (_, i) => ({
        example_id: `e${from + i}`,
        score_halu: from + i,
        benchmark: 'again',
      }));
    const variables = {
      filter: { benchmark: { eq: 'again' } },
      orderBy: [{ field: 'SCORE_HALU', direction: 'DESC' }],
      first: 3,
    };
    const statements = vi.spyOn(open.lake.engine, 'query');
    const made = async () => {
      statements.mockClear();
      const { page, narrow } = await ask(PAGE, variables, true);
      expect(narrow).toBe(1);
      const tables = statements.mock.calls.filter(([sql]) => sql.startsWith('CREATE TABLE')).length;
      return { tables, scores: page.edges.map(({ node }: { node: Row }) => node['scoreHalu']) };
    };
    await put([{ run: 'again/a', predictions: scored(0, 10) }]);
    await put([{ run: 'again/b', predictions: scored(100, 10) }]);
    await put([{ run: 'again/c', predictions: scored(50, 3) }]);
    // Two large files, the small ones, and the rows of the page.
    expect(await made()).toEqual({ tables: 4, scores: [109, 108, 107] });
    expect(await made()).toEqual({ tables: 0, scores: [109, 108, 107] });
    await put([{ run: 'again/d', predictions: scored(108.5, 1) }]);
    expect(await made()).toEqual({ tables: 2, scores: [109, 108.5, 108] });
    await put([{ run: 'again/b', predictions: scored(20, 2) }]);
    expect((await made()).scores).toEqual([108.5, 52, 51]);
    statements.mockRestore();
  });

  it('are put in order without keys that have one value in all files', async () => {
    const row = { example_id: 'a', benchmark: 'constant', seed: 7n, outcome: null, split: 's' };
    await put([{ run: 'constant/a', predictions: [row, { ...row, split: 't' }] }]);
    await put([{ run: 'constant/b', predictions: [row, { ...row, task_family: 'f' }] }]);
    const statements = vi.spyOn(open.lake.engine, 'query');
    const fields = ['BENCHMARK', 'SEED', 'OUTCOME', 'SPLIT', 'TASK_FAMILY'];
    const { page } = await ask(
      `query ($orderBy: [PredictionOrder!]) {
        predictions(filter: { runId: { in: ["constant/a", "constant/b"] } }, orderBy: $orderBy, first: 9) { nodes { split taskFamily } } }`,
      { orderBy: fields.map((field) => ({ field, direction: 'ASC' })) },
      true,
    );
    const [sql] = statements.mock.calls.find(([text]) => text.includes('ORDER BY')) ?? [];
    statements.mockRestore();
    expect(sql?.replace(/^.* ORDER BY /s, '')).toMatchInlineSnapshot(
      `"t."split" ASC NULLS LAST, t."task_family" ASC NULLS LAST, t."run_id" ASC NULLS LAST LIMIT $3::BIGINT"`,
    );
    expect(page.nodes.map(({ split, taskFamily }: Row) => [split, taskFamily])).toEqual([
      ['s', 'f'],
      ['s', null],
      ['s', null],
      ['t', null],
    ]);
  });

  it('remember nothing of a request that went away', async () => {
    const { lake } = open;
    const [score, example] = ['score_halu', 'example_id'].map((name) => columnOf(ENTITIES.Prediction, name));
    const request: LeadingRowsRequest = {
      where: { sql: 'true', params: [], key: 'true' },
      order: [{ column: score!, direction: 'DESC', nulls: 'LAST' }],
      rows: 2,
      columns: [example!],
    };
    const snapshot = await lake.snapshot();
    const before = lake.rememberedRows.tables;
    const prune = [{ column: 'benchmark', in: ['again'] }];
    const gone = lake.leadingRows(snapshot, 'predictions', prune, request, { signal: AbortSignal.abort() });
    await expect(gone).rejects.toThrow(CancelledError);
    expect(lake.rememberedRows.tables).toBe(before);
  });
});
