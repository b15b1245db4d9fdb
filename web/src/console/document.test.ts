import { buildSchema } from 'graphql';
import { expect, it } from 'vitest';
import { matching } from './browse/catalog-browser.tsx';
import { findsIn } from './browse/schema-browser.tsx';
import { formatted, operationAt } from './document.ts';
import { meaningOf } from './editor/sql.ts';
import { FUNCTIONS, KEYWORDS, TYPES } from './editor/sql-keywords.ts';
import { wrongVariables } from './editor/variables.ts';
import { bodyOf, costBodyOf, marksOf } from './request.ts';

const schema = buildSchema(`
  "What is asked."
  type Query { "All runs." runs(first: Int!): [Run!]! }
  type Run { id: ID! "Random number." seed: Int }
`);

it('formats a document and keeps the comments in front of its parts', () => {
  expect(formatted('# first\nquery A{runs(first:1){id}}\n# second\n# half\n{b}# end')).toBe(
    '# first\nquery A {\n  runs(first: 1) {\n    id\n  }\n}\n\n# second\n# half\n{\n  b\n}\n\n# end\n',
  );
  expect(formatted('{ # inside\n a }')).toBeUndefined();
  expect(formatted('{')).toBeUndefined();
});

it('runs the operation at the cursor', () => {
  const two = 'query A { a }\nquery B { b }\n';
  expect([0, 5, 14, 28].map((position) => operationAt(two, position))).toEqual(['A', 'A', 'B', 'B']);
  expect(operationAt('query A { a }', 3)).toBeUndefined();
  expect(operationAt('query', 3)).toBeUndefined();
});

it('says what is wrong with variables before they are sent', () => {
  const query = 'query ($first: Int!) { runs(first: $first) { id } }';
  expect(wrongVariables(schema, query, undefined, '{"first": 1}')).toEqual([]);
  expect(wrongVariables(schema, query, undefined, '{"first": "1", "last": 2}')).toEqual([
    expect.stringContaining('"$first" got invalid value "1"'),
    'the operation declares no variable "$last"',
  ]);
  expect(wrongVariables(schema, query, undefined, '[]')).toHaveLength(1);
  expect(wrongVariables(schema, 'query (', undefined, '{}')).toEqual([]);
});

it('sends variables as they are written', () => {
  const draft = {
    mode: 'graphql',
    query: 'query ($n: BigInt) { a }',
    variables: '{"n": 9007199254740993}',
    rows: 1000,
  } as const;
  expect(bodyOf(draft, 'A')).toBe(
    '{"query":"query ($n: BigInt) { a }","variables":{"n": 9007199254740993},"operationName":"A"}',
  );
  expect(costBodyOf(draft)).toContain('{"n": 9007199254740993}');
  expect(() => bodyOf({ ...draft, variables: '{' })).toThrow(SyntaxError);
});

it('marks where the server found something wrong', () => {
  const sql = { mode: 'sql', query: "SELECT '😀',\nfoo", variables: '', rows: 1000 } as const;
  const wrong = { message: 'no foo', extensions: { where: { offset: 12 } } };
  expect(marksOf([wrong, { message: 'elsewhere' }], sql)).toEqual([{ from: 13, to: 16, message: 'no foo' }]);
  const graphql = { ...sql, mode: 'graphql', query: '{\r\n  runz }' } as const;
  const places = [{ line: 2, column: 3 }];
  // Editors count one for the end of a line, however it was written.
  expect(marksOf([{ message: 'no runz', locations: places }], { ...graphql, query: '{\n  runz }' })).toEqual([
    { from: 4, to: 8, message: 'no runz' },
  ]);
  expect(marksOf([{ message: 'far', locations: [{ line: 99, column: 3 }] }], graphql)).toEqual([]);
});

it('finds types, fields, tables and columns by their names and by what they mean', () => {
  expect(findsIn(schema, 'run').map(({ name }) => name)).toEqual(['Query.runs', 'Run']);
  expect(findsIn(schema, 'random').map(({ name }) => name)).toEqual(['Run.seed']);
  const column = (name: string, description: string) => ({ name, type: 'INTEGER', description });
  const catalog = [
    {
      kind: 'TABLE',
      name: 'runs',
      description: 'One row a run.',
      columns: [column('seed', 'Random number.')],
    },
    {
      kind: 'VIEW',
      name: 'heads',
      description: 'One row a head.',
      columns: [column('layer', 'Block.'), column('seed', 'Of the run.')],
    },
  ] as const;
  const names = (wanted: string) =>
    matching(catalog, wanted).map(({ name, columns }) => [name, ...columns.map((one) => one.name)]);
  expect(names('')).toEqual([
    ['heads', 'layer', 'seed'],
    ['runs', 'seed'],
  ]);
  expect(names('seed')).toEqual([
    ['heads', 'seed'],
    ['runs', 'seed'],
  ]);
  expect(names('a head')).toEqual([['heads', 'layer', 'seed']]);
  expect(meaningOf(catalog, 'HEADS', '')).toBe('view heads\nOne row a head.');
  expect(meaningOf(catalog, 'seed', 'SELECT seed FROM runs')).toBe('runs.seed INTEGER\nRandom number.');
  expect(meaningOf(catalog, 'seed', 'SELECT 1')).toBeUndefined();
});

it('knows every word of SQL, wherever its list breaks', () => {
  for (const list of [KEYWORDS, TYPES, FUNCTIONS]) expect(list).toMatch(/^\w+( \w+)*$/);
});
