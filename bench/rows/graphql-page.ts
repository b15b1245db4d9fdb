import { z } from 'zod';
import { sqlString } from '../../lake/engine/sql-text.ts';
import { activationLake } from '../data/activation-lake.ts';
import { dataFiles, graphqlSession } from '../lakes.ts';
import { interleave, seconds } from '../measure.ts';
import { ReferenceDuckdb } from '../reference-duckdb.ts';
import type { Bench, Outcome } from '../types.ts';

const nodes = z.array(
  z.object({ prediction: z.object({ scoreHalu: z.number() }), activations: z.array(z.unknown()).length(2) }),
);
const graphqlAnswer = z.object({ data: z.object({ generations: z.object({ nodes: nodes.length(100) }) }) });

const query = (vector: string): string => `query ($run: String) {
  generations(filter: { runId: { eq: $run } }, orderBy: [{ field: EXAMPLE_ID }], first: 100) {
    nodes {
      exampleId prompt response reference halu labelSource
      prediction { scoreHalu labelHalu predHalu }
      activations(layer: 16, first: 2, orderBy: [{ field: TOKEN_INDEX }]) { activationKey layer tokenIndex norm ${vector} }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** The page as somebody would write it by hand who knows the files. */
function handWritten(
  files: Readonly<Record<'generations' | 'predictions' | 'activations', string>>,
  vector: string,
) {
  return `
    WITH page AS (
      SELECT run_id, example_id, activation_key, prompt, response, reference, halu, label_source
      FROM ${files.generations} WHERE run_id = $1 ORDER BY example_id LIMIT 100
    ), vectors AS (
      SELECT activation_key, list(struct_pack(activation_key, layer, token_index, norm ${vector}) ORDER BY token_index) AS activations
      FROM (
        SELECT *, row_number() OVER (PARTITION BY activation_key ORDER BY token_index) AS position
        FROM ${files.activations}
        WHERE layer = 16 AND activation_key IN (SELECT activation_key FROM page)
      ) WHERE position <= 2 GROUP BY activation_key
    )
    SELECT page.*, p.score_halu, p.label_halu, p.pred_halu, vectors.activations
    FROM page
    LEFT JOIN (SELECT * FROM ${files.predictions} WHERE run_id = $1) p USING (example_id)
    LEFT JOIN vectors USING (activation_key)
    ORDER BY page.example_id`;
}

/** A nested page through the server, against hand-written SQL and against the server's own SQL. */
export const graphqlPage: Bench = {
  name: 'graphql-page',
  doc: '100 generations with prediction and 2 activations each, against SQL through the DuckDB API',
  async run(context) {
    const { lake, runId } = await activationLake(context);
    const session = await graphqlSession(lake);
    const duckdb = await ReferenceDuckdb.open(context.threads);
    try {
      const paths = async (table: string) =>
        `read_parquet([${(await dataFiles(lake, table)).map(sqlString).join(', ')}])`;
      const files = {
        generations: await paths('generations'),
        predictions: await paths('predictions'),
        activations: await paths('activations'),
      };
      const outcomes: Outcome[] = [];
      for (const [name, field, column] of [
        ['without vectors', 'dim', ', dim'],
        ['with vectors', 'vector', ', vector'],
      ] as const) {
        const ask = () => session.ask(query(field), { run: runId });
        graphqlAnswer.parse(JSON.parse(await ask()));
        const planned = session.statements();
        context.log(`${name}: ${planned.length} statement(s)`);
        const sql = handWritten(files, column);
        const times = await interleave(
          {
            graphql: () => seconds(ask),
            byHand: () => seconds(() => duckdb.json(sql, [runId])),
            planned: () =>
              seconds(async () => {
                for (const { sql: text, params } of planned) await duckdb.json(text, params as string[]);
              }),
          },
          { repetitions: 4 * context.repetitions, warmups: 3 },
        );
        const page = `page of 100 generations ${name}`;
        outcomes.push(
          {
            what: page,
            unit: 's',
            ours: times.graphql,
            reference: times.byHand,
            against: 'SQL by hand',
            value: times.graphql.median / times.byHand.median,
            target: { relation: '<=', value: 1.5 },
          },
          {
            what: page,
            unit: 's',
            ours: times.graphql,
            reference: times.planned,
            against: 'the same SQL',
            value: times.graphql.median / times.planned.median,
          },
        );
      }
      return outcomes;
    } finally {
      duckdb.close();
      await session.close();
      await lake.close();
    }
  },
};
