import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, expect, test } from 'vitest';
import { TABLES } from '../tables/tables.ts';
import { runQuery } from './engine.ts';
import { conditionsOfSelect } from './select-conditions.ts';

const specs = new Map(TABLES.map((spec) => [spec.name, spec]));

let conditionsOf: (sql: string) => Promise<unknown>;
beforeAll(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  conditionsOf = async (sql) => {
    const { rows } = await runQuery(connection, 'SELECT json_serialize_sql($1::VARCHAR)', { params: [sql] });
    return Object.fromEntries(conditionsOfSelect(String(rows[0]?.[0]), specs));
  };
});

const run = [{ column: 'run_id', in: ['r'] }];

test.each<[string, unknown]>([
  [`select * from generations where run_id = 'r'`, { generations: run }],
  [`select * from GENERATIONS where "RUN_ID" = 'r'`, { generations: run }],
  [`select * from generations g where g.run_id = 'r' and prompt like 'x%'`, { generations: run }],
  [
    `select * from activations where layer in (1, 2) and token_index >= 3 and (token_index < 9 and example_id between 'a' and 'b')`,
    {
      activations: expect.arrayContaining([
        { column: 'layer', in: [1, 2] },
        { column: 'token_index', gte: 3 },
        { column: 'token_index', lte: 9 },
        { column: 'example_id', gte: 'a', lte: 'b' },
      ]),
    },
  ],
  [
    `select * from generations g join predictions p using (run_id, example_id) where g.run_id = 'r' and p.run_id = 's'`,
    { generations: run, predictions: [{ column: 'run_id', in: ['s'] }] },
  ],
  [
    `select * from runs r left join generations g on g.run_id = r.run_id where g.run_id = 'r'`,
    { generations: run },
  ],
  [
    `with x as (select * from generations where run_id = 'r') select * from x a join x b using (example_id)`,
    { generations: run },
  ],
  [`select (select count(*) from generations where run_id = 'r') from runs`, { generations: run }],
])('%s', async (sql, expected) => {
  expect(await conditionsOf(sql)).toEqual(expected);
});

test.each([
  // Somewhere else the table is read whole.
  `select * from generations where run_id = 'r' union all select * from generations`,
  `select * from generations a, generations b where a.run_id = 'r'`,
  // What is pruned would change what is joined.
  `select * from runs r asof join generations g on r.created_at >= g.run_id where g.run_id = 'r'`,
  `select * from runs r positional join generations g where g.run_id = 'r'`,
  `select * from runs r full join generations g on true where g.run_id = 'r'`,
  `select * from runs r anti join generations g on true where r.run_id = 'r'`,
  `select * from generations using sample 10 where run_id = 'r'`,
  `select * from generations tablesample 10% where run_id = 'r'`,
  // Not what the column says.
  `select lower(run_id) as run_id from generations where run_id = 'r'`,
  `select * from generations as g(run_id, x) where run_id = 'r'`,
  `select * from generations g join predictions p on true where run_id = 'r'`,
  `select * from generations where run_id = 'r' or true`,
  `select * from generations where not run_id = 'r'`,
  `select * from generations where run_id <> 'r'`,
  `select * from generations where run_id = null`,
  `select * from generations where run_id in ('r', null)`,
  `select * from generations where run_id not in ('r')`,
  `select * from generations where run_id = 1`,
  `select * from generations where seed = '1'`,
  `select * from generations where seed = 1.5`,
  `select * from generations where seed = 9007199254740993`,
  `select * from generations where run_id = example_id`,
  `select * from generations where lower(run_id) = 'r'`,
  `select run_id, count(*) from generations group by run_id having run_id = 'r'`,
  `select * from (select * from generations) where run_id = 'r'`,
  `select * from generations qualify run_id = 'r'`,
  `select * from nothing where run_id = 'r'`,
  `select 1`,
  `delete from generations where run_id = 'r'`,
  `nonsense`,
])('nothing is known of %s', async (sql) => {
  expect(await conditionsOf(sql)).toEqual({});
});
