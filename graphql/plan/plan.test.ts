import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  type GraphQLSchema,
  graphql,
  Kind,
  parse,
  buildSchema as parseSchema,
  printSchema,
  validate,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JOB_TABLES } from '../../lake/tables/jobs.ts';
import type { Row } from '../../lake/tables/schema.ts';
import { TABLES } from '../../lake/tables/tables.ts';
import { DEFAULT_LIMITS } from '../limits/limits.ts';
import { createSchema } from '../schema.ts';
import { FakeLake } from '../test-support/fake-lake.ts';
import { requestContext } from '../test-support/request-context.ts';
import { generationRow, predictionRow, runRow } from '../test-support/rows.ts';
import { camelCase, ENTITIES, ROOT_ENTITIES } from './entities.ts';
import { compileOptions, planConnection } from './execute.ts';
import { printStatement } from './sql.ts';

let schema: GraphQLSchema;
beforeAll(async () => {
  schema = await createSchema();
});

/** The SQL of the only root field of a query, with tables in place of relations. */
function sqlOf(query: string, isSmall = false): string {
  const document = parse(query);
  const [operation] = document.definitions;
  const parentType = schema.getQueryType();
  if (operation?.kind !== Kind.OPERATION_DEFINITION || !parentType) throw new Error('no query');
  const [node] = operation.selectionSet.selections;
  if (node?.kind !== Kind.FIELD) throw new Error('no field');
  const fieldName = node.name.value;
  const returnType = parentType.getFields()[fieldName]?.type;
  const entity = ROOT_ENTITIES.get(fieldName);
  if (!returnType || !entity) throw new Error(`no connection ${fieldName}`);
  const info = { fieldName, fieldNodes: [node], parentType, returnType, fragments: {}, variableValues: {} };
  const { statement } = planConnection(compileOptions(DEFAULT_LIMITS, info), info, ENTITIES[entity]).plan;
  return printStatement(
    statement,
    statement.sources.map(({ table }) => table),
    isSmall,
  ).text;
}

describe('SQL of typical queries', () => {
  it('a page of one table is a plain SELECT of the selected columns', () => {
    expect(
      sqlOf(
        '{ runs(first: 2, filter: {method: {eq: "mlp"}}, orderBy: [{field: CREATED_AT, direction: DESC}]) { nodes { id seed } } }',
      ),
    ).toMatchInlineSnapshot(
      `"SELECT t."run_id", t."seed" FROM runs t WHERE t."method" = $1::VARCHAR ORDER BY t."created_at" DESC NULLS LAST, t."run_id" ASC NULLS LAST LIMIT $2::BIGINT"`,
    );
  });

  it('a count reads nothing else', () => {
    expect(sqlOf('{ generations(filter: {halu: {ne: true}}) { totalCount } }')).toMatchInlineSnapshot(`
      "WITH c AS (SELECT count(*) AS n FROM generations t WHERE t."halu" IS DISTINCT FROM $1::BOOLEAN)
      SELECT c.n FROM c"
    `);
  });

  it('rows of a small relation are counted where the page is taken from them, of others apart', () => {
    const query = '{ runs(first: 2, filter: {method: {eq: "mlp"}}) { nodes { seed } totalCount } }';
    expect(sqlOf(query, true)).toMatchInlineSnapshot(`
      "WITH r1 AS MATERIALIZED (SELECT t."seed", t."run_id", count(*) OVER () AS __total FROM runs t WHERE t."method" = $1::VARCHAR ORDER BY t."run_id" ASC NULLS LAST LIMIT $2::BIGINT)
      SELECT p.__total, p."seed" FROM r1 p ORDER BY p."run_id" ASC NULLS LAST"
    `);
    expect(sqlOf(query)).toMatchInlineSnapshot(`
      "WITH c AS (SELECT count(*) AS n FROM runs t WHERE t."method" = $1::VARCHAR),
      r1 AS MATERIALIZED (SELECT t."seed", t."run_id" FROM runs t WHERE t."method" = $2::VARCHAR ORDER BY t."run_id" ASC NULLS LAST LIMIT $3::BIGINT)
      SELECT c.n, p.present, p."seed" FROM c LEFT JOIN (SELECT *, true AS present FROM r1) p ON true ORDER BY p."run_id" ASC NULLS LAST"
    `);
  });

  it('nested rows are joined to the keys of the page', () => {
    expect(
      sqlOf(
        '{ generations(first: 100, filter: {runId: {eq: "r"}}) { nodes { prompt prediction { scoreHalu } activations(layer: -1, first: 2) { vector } } pageInfo { hasNextPage endCursor } } }',
      ),
    ).toMatchInlineSnapshot(`
      "WITH r9 AS MATERIALIZED (SELECT t."prompt", t."run_id", t."example_id", t."activation_key", t."source_line" FROM generations t WHERE t."run_id" = $1::VARCHAR ORDER BY t."example_id" ASC NULLS LAST, t."source_line" ASC NULLS LAST LIMIT $2::BIGINT),
      k3 AS MATERIALIZED (SELECT DISTINCT p."run_id" AS l0, p."example_id" AS l1 FROM r9 p WHERE p."run_id" IS NOT NULL AND p."example_id" IS NOT NULL),
      r3 AS MATERIALIZED (SELECT k.l0, k.l1, t."score_halu", row_number() OVER (PARTITION BY k.l0, k.l1 ORDER BY t."source_line" ASC NULLS LAST, t."edit_layer" ASC NULLS LAST) AS rn FROM k3 k JOIN predictions t ON t."run_id" = k.l0 AND t."example_id" = k.l1 WHERE true QUALIFY rn <= $3::BIGINT),
      k6 AS MATERIALIZED (SELECT DISTINCT p."run_id" AS l0, p."activation_key" AS l1 FROM r9 p WHERE p."run_id" IS NOT NULL AND p."activation_key" IS NOT NULL),
      b6 AS MATERIALIZED (SELECT DISTINCT run_id AS i, store_id AS o FROM run_stores v WHERE run_id IN (SELECT l0 FROM k6)),
      r6 AS MATERIALIZED (SELECT k.l0, k.l1, t."vector", row_number() OVER (PARTITION BY k.l0, k.l1 ORDER BY t."store_id" ASC NULLS LAST, t."layer" ASC NULLS LAST, t."token_index" ASC NULLS LAST, t."site" ASC NULLS LAST, t."token_selector" ASC NULLS LAST, t."segment" ASC NULLS LAST) AS rn FROM k6 k JOIN b6 b ON b.i = k.l0 JOIN activations t ON t."store_id" = b.o AND t."activation_key" = k.l1 JOIN (SELECT store_id, site, max(layer) AS top FROM activations u WHERE store_id IN (SELECT o FROM b6) GROUP BY store_id, site) m ON m.store_id = t.store_id AND m.site = t.site WHERE true AND t.layer = m.top + $4::BIGINT QUALIFY rn <= $5::BIGINT),
      g6 AS (SELECT r6.l0, r6.l1, list(struct_pack(rn := r6.rn, s4 := r6."vector")) AS v FROM r6 GROUP BY r6.l0, r6.l1)
      SELECT p."prompt", r3.l0 IS NOT NULL, r3."score_halu", g6.v, p."example_id", p."source_line" FROM r9 p LEFT JOIN r3 ON r3.l0 = p."run_id" AND r3.l1 = p."example_id" LEFT JOIN g6 ON g6.l0 = p."run_id" AND g6.l1 = p."activation_key" ORDER BY p."example_id" ASC NULLS LAST, p."source_line" ASC NULLS LAST"
    `);
  });
});

describe('the schema', () => {
  it('has a described field for every column of every table', () => {
    const types = new Map(
      Object.values(ENTITIES).map((entity) => [entity.table.name, schema.getType(entity.name)]),
    );
    for (const table of TABLES) {
      // Ended jobs are for SQL; in GraphQL jobs come from the queue, with those that have not ended.
      if (JOB_TABLES.some(({ name }) => name === table.name)) continue;
      const type = types.get(table.name);
      const fields = type && 'getFields' in type ? type.getFields() : {};
      for (const column of table.columns) {
        expect(fields[camelCase(column.name)]?.description, `${table.name}.${column.name}`).toBe(column.doc);
      }
    }
    expect(() => parseSchema(printSchema(schema))).not.toThrow();
  });
});

describe('nested lists', () => {
  const runs = ['r0', 'r1', 'r2'];
  const rows = fc.array(
    fc.record({
      run: fc.constantFrom(...runs),
      example: fc.constantFrom('a', 'b', 'c'),
      score: fc.option(fc.constantFrom(0, 0.5, 1)),
    }),
    { maxLength: 20 },
  );
  const request = fc.record({
    first: fc.integer({ min: 0, max: 4 }),
    descending: fc.boolean(),
    nullsFirst: fc.boolean(),
    atLeast: fc.option(fc.constantFrom(0, 0.5)),
  });
  const lakes: FakeLake[] = [];
  afterAll(() => {
    for (const lake of lakes) lake.connection.closeSync();
  });

  interface Prediction {
    readonly run: string;
    readonly example: string;
    readonly score: number | null;
    readonly line: number;
  }

  /** What `predictions(first, orderBy score, filter score >= …)` of some rows is. */
  function model(
    all: readonly Prediction[],
    wanted: { first: number; descending: boolean; nullsFirst: boolean; atLeast: number | null },
  ) {
    const { first, descending, nullsFirst, atLeast } = wanted;
    return all
      .filter(({ score }) => atLeast === null || (score !== null && score >= atLeast))
      .sort((a, b) => {
        if ((a.score === null) !== (b.score === null)) return (a.score === null) === nullsFirst ? -1 : 1;
        const order = (a.score ?? 0) - (b.score ?? 0);
        if (order !== 0) return descending ? -order : order;
        if (a.example !== b.example) return a.example < b.example ? -1 : 1;
        return a.line - b.line;
      })
      .slice(0, first)
      .map(({ line }) => ({ sourceLine: line }));
  }

  it('are filtered, ordered and cut for each parent, at every level', async () => {
    await fc.assert(
      fc.asyncProperty(rows, request, request, async (values, outer, inner) => {
        const predictions: Prediction[] = values.map((value, line) => ({ ...value, line }));
        const examples = new Set(values.map(({ run, example }) => `${run} ${example}`));
        const lake = await FakeLake.create({
          runs: runs.map((id) => runRow(id)),
          generations: [...examples].map((key): Row => {
            const [run = '', example = ''] = key.split(' ');
            return generationRow(run, example);
          }),
          predictions: predictions.map(({ run, example, score, line }) =>
            predictionRow(run, example, { score_halu: score, source_line: BigInt(line) }),
          ),
        });
        lakes.push(lake);
        const args = ({ first, descending, nullsFirst, atLeast }: typeof outer) =>
          `first: ${first}, orderBy: [{field: SCORE_HALU, direction: ${descending ? 'DESC' : 'ASC'}, nulls: ${nullsFirst ? 'FIRST' : 'LAST'}}]${atLeast === null ? '' : `, filter: {scoreHalu: {gte: ${atLeast}}}`}`;
        const source = `{ runs { nodes {
          predictions(${args(outer)}) { sourceLine }
          predictionCount
          generations { exampleId predictions(${args(inner)}) { sourceLine } }
        } } }`;
        const contextValue = requestContext(lake);
        const { data, errors } = await graphql({ schema, source, contextValue });
        expect(errors).toBeUndefined();
        const expected = runs.map((run) => {
          const own = predictions.filter((prediction) => prediction.run === run);
          return {
            predictions: model(own, outer),
            predictionCount: own.length,
            generations: [...new Set(own.map(({ example }) => example))].sort().map((example) => ({
              exampleId: example,
              predictions: model(
                own.filter((prediction) => prediction.example === example),
                inner,
              ),
            })),
          };
        });
        expect(JSON.parse(JSON.stringify(data))).toEqual({ runs: { nodes: expected } });
      }),
      { numRuns: 25 },
    );
  });
});

it('the examples of docs/graphql.md are valid', () => {
  const text = readFileSync(new URL('../../docs/graphql.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```graphql\n([^`]+)```/g)].map(([, example = '']) => example);
  expect(examples.length).toBeGreaterThan(5);
  expect(examples.flatMap((example) => validate(schema, parse(example)))).toEqual([]);
});
