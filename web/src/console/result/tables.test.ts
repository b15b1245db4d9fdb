import fc from 'fast-check';
import { expect, it } from 'vitest';
import { recordsOf, tablesOf } from './tables.ts';

it('takes nodes of connections for rows, nested objects for columns and lists for values', () => {
  const data = {
    runs: {
      totalCount: 12,
      nodes: [
        { id: 'a', prediction: null, metrics: [{ value: 1 }], config: {} },
        { id: 'b', prediction: { score: 0.5, by: { name: 'x' } }, metrics: [] },
      ],
      pageInfo: { hasNextPage: true, endCursor: 'c' },
    },
  };
  expect(tablesOf(data)).toEqual([
    {
      path: ['runs'],
      columns: ['id', 'metrics', 'config', 'prediction.score', 'prediction.by.name'],
      rows: [
        ['a', [{ value: 1 }], {}, null, null],
        ['b', [], null, 0.5, 'x'],
      ],
      total: 12,
      more: true,
    },
  ]);
});

it('gives each list of an object a table of its own, beside a row of what stands alone', () => {
  const tables = tablesOf({
    __typename: 'Query',
    run: { id: 'r', seeds: [1, 2], parent: { id: 'p' }, issues: [{ code: 'x' }] },
    nothing: null,
    models: [],
  });
  expect(tables.map(({ path, columns, rows }) => [path.join('.'), columns, rows])).toEqual([
    ['', ['__typename', 'nothing'], [['Query', null]]],
    ['run', ['id', 'seeds', 'parent.id'], [['r', [1, 2], 'p']]],
    ['run.issues', ['code'], [['x']]],
    ['models', [], []],
  ]);
});

it('reads results of SQL and edges', () => {
  const [sql, runs] = tablesOf({
    sql: { columns: [{ name: 'n' }, { name: 'n' }], rows: [[1, 'a,b']], truncated: true },
    runs: { edges: [{ cursor: 'c', node: { id: 'a' } }] },
  });
  expect(sql).toMatchObject({ columns: ['n', 'n_1'], rows: [[1, 'a,b']], more: true });
  expect(sql && recordsOf(sql)).toEqual([{ n: '1', n_1: 'a,b' }]);
  expect(runs).toMatchObject({ columns: ['id'], rows: [['a']] });
});

it('leaves objects whole where every row has other members', () => {
  const nodes = Array.from({ length: 400 }, (_, i) => ({ config: { [`k${i}`]: i } }));
  expect(tablesOf({ runs: { nodes } })[0]).toMatchObject({ columns: ['config'] });
});

it('loses no value, whatever the answer', () => {
  const leaf = fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.boolean());
  const { node } = fc.letrec((tie) => ({
    node: fc.dictionary(fc.stringMatching(/^[a-c]$/), fc.oneof(leaf, tie('node')), {
      minKeys: 1,
      maxKeys: 3,
    }),
  }));
  const leaves = (value: unknown): unknown[] =>
    typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [value];
  fc.assert(
    fc.property(fc.array(node, { minLength: 1, maxLength: 5 }), (nodes) => {
      const [table] = tablesOf({ runs: { nodes } });
      const cells = table?.rows.flat().filter((cell) => cell !== null) ?? [];
      expect(cells.map(String).sort()).toEqual(leaves(nodes).map(String).sort());
      expect(table?.rows.every((row) => row.length === table.columns.length)).toBe(true);
    }),
  );
});
