import fc from 'fast-check';
import { type GraphQLSchema, graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LakeReader } from '../../lake/engine/types.ts';
import { LEADING_ROWS_LIMITS } from '../../lake/leading/leading-rows.ts';
import { Staging } from '../../lake/parquet/staging.ts';
import type { Row } from '../../lake/tables/schema.ts';
import { PREDICTIONS, RUNS } from '../../lake/tables/tables.ts';
import type { RunEntry } from '../../lake/visibility.ts';
import { type TemporaryLake, temporaryLake } from '../../test/support/temporary-lake.ts';
import { createSchema } from '../schema.ts';
import { requestContext } from '../test-support/request-context.ts';
import { predictionRow, runRow } from '../test-support/rows.ts';

/** Few enough of everything that small tables have files of both kinds, ends of what is remembered, and things forgotten. */
const LIMITS = { fromRows: 0, unitRows: 8, candidates: 5, maxTables: 24, maxBytes: 64e6 };

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

/** What the lake answers, over leading rows where it can, or over all rows always. */
async function ask(source: string, variableValues: Record<string, unknown>, leading: boolean) {
  const { lake } = open;
  let narrow = 0;
  const reader: LakeReader = {
    snapshot: (...args) => lake.snapshot(...args),
    relation: (...args) => lake.relation(...args),
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
  source_line: fc.integer({ min: 0, max: 99 }).map(BigInt),
});
const rows = fc.array(prediction, { maxLength: 10 });
const orderBy = fc.uniqueArray(
  fc.record({
    field: fc.constantFrom('SCORE_HALU', 'SEED', 'OUTCOME', 'CORRECT', 'EXAMPLE_ID', 'SOURCE_LINE'),
    direction: fc.constantFrom('ASC', 'DESC'),
    nulls: fc.constantFrom('FIRST', 'LAST'),
  }),
  { selector: ({ field }) => field, maxLength: 3 },
);
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
          const ofCase = (all: readonly Row[]) => all.map((row) => ({ ...row, benchmark: name }));
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
      { numRuns: 8 },
    );
    expect(narrow).toBeGreaterThan(5);
    expect(open.lake.rememberedRows.tables).toBeLessThanOrEqual(LIMITS.maxTables);
  });
});
