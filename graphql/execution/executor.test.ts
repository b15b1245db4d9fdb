import fc from 'fast-check';
import {
  type ExecutionResult,
  execute,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  getIntrospectionQuery,
  parse,
  validate,
} from 'graphql';
import { expect, test } from 'vitest';
import { byResponseKey, isPlain } from './complete.ts';
import { createExecutor } from './executor.ts';

const colour = new GraphQLEnumType({ name: 'Colour', values: { RED: { value: 'r' }, BLUE: { value: 'b' } } });
const json = new GraphQLScalarType({ name: 'JSON', serialize: (value) => value });

const leaf: GraphQLObjectType = new GraphQLObjectType({
  name: 'Leaf',
  fields: () => ({
    id: { type: new GraphQLNonNull(GraphQLString) },
    count: { type: GraphQLInt },
    score: { type: new GraphQLNonNull(GraphQLFloat) },
    colour: { type: colour },
    any: { type: json },
    numbers: { type: new GraphQLList(new GraphQLNonNull(GraphQLInt)) },
    next: { type: leaf },
    all: { type: new GraphQLList(leaf) },
    sure: { type: new GraphQLList(new GraphQLNonNull(leaf)) },
    matrix: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(new GraphQLList(GraphQLInt)))) },
  }),
});

const keyed = new GraphQLObjectType({
  name: 'Keyed',
  fields: { value: { type: GraphQLString, args: { upper: { type: GraphQLInt } }, resolve: byResponseKey } },
});

const busy = new GraphQLObjectType({
  name: 'Busy',
  fields: { slow: { type: GraphQLInt, resolve: async () => 7 } },
});

let data: Record<string, unknown> = {};
const root = (name: string) => () => data[name];
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: {
      one: { type: leaf, resolve: root('one') },
      sure: { type: new GraphQLNonNull(leaf), resolve: root('sure') },
      many: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(leaf))), resolve: root('many') },
      number: { type: GraphQLInt, resolve: root('number') },
      keyed: { type: keyed, resolve: () => ({ a: 'x', b: 'X' }) },
      busy: { type: busy, resolve: () => ({}) },
      type: { type: GraphQLString, resolve: (_root, _args, _context, info) => String(info.returnType) },
      named: {
        type: new GraphQLList(leaf),
        resolve: (_root, _args, _context, info) => [
          { id: `${info.parentType}.${info.returnType}`, score: 1 },
        ],
      },
    },
  }),
  mutation: new GraphQLObjectType({
    name: 'Mutation',
    fields: { one: { type: leaf, resolve: root('one') } },
  }),
});
const executor = createExecutor(schema);

/** An answer as JSON, whose members have an order, with its errors in the order of their places. */
function answer({ data, errors = [] }: ExecutionResult): {
  readonly data: unknown;
  readonly text: string;
  readonly told: readonly string[];
} {
  const told = errors
    .map(({ message, path, locations }) => JSON.stringify({ message, path, locations }))
    .sort();
  const text = JSON.stringify(data ?? null);
  return { data: JSON.parse(text), text, told };
}

type Told = ReturnType<typeof answer>;

async function both(query: string, variableValues: Record<string, unknown> = {}): Promise<[Told, Told]> {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  const args = { document, variableValues, contextValue: {} };
  return [answer(await executor(args)), answer(await execute({ ...args, schema }))];
}

const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    'r',
    'b',
    'other',
    2 ** 40,
    1.5,
    Number.NaN,
    true,
    new Error('broken'),
  ),
  fc.integer({ min: -5, max: 5 }),
  fc.string({ maxLength: 3 }),
);
const { tree } = fc.letrec<{ tree: Record<string, unknown>; trees: unknown }>((tie) => ({
  tree: fc.record(
    {
      id: fc.oneof({ weight: 9, arbitrary: fc.string({ maxLength: 3 }) }, scalar),
      count: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 9 }) }, scalar),
      score: fc.oneof({ weight: 9, arbitrary: fc.constant(0.5) }, scalar),
      colour: fc.oneof(fc.constantFrom('r', 'b'), scalar),
      any: fc.oneof(fc.jsonValue({ maxDepth: 2 }), scalar),
      numbers: fc.oneof(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
        fc.array(scalar, { maxLength: 2 }),
        scalar,
      ),
      next: fc.option(tie('tree'), { nil: undefined, depthSize: 'small' }),
      all: tie('trees'),
      sure: tie('trees'),
      matrix: fc.oneof(
        { weight: 5, arbitrary: fc.constant([[1, null], []]) },
        { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
      ),
    },
    { requiredKeys: ['id', 'score', 'matrix'] },
  ),
  trees: fc.oneof(
    { depthSize: 'small' },
    { weight: 1, arbitrary: scalar },
    {
      weight: 3,
      arbitrary: fc.array(fc.oneof({ weight: 5, arbitrary: tie('tree') }, scalar), { maxLength: 2 }),
    },
  ),
}));

const FIELDS = ['id', 'count', 'score', 'colour', 'any', 'numbers', '__typename', 'matrix'];
const selection: fc.Arbitrary<string> = fc.letrec<{ selection: string; field: string }>((tie) => ({
  selection: fc
    .array(tie('field'), { minLength: 1, maxLength: 4 })
    .map((fields) => `{ ${fields.join(' ')} }`),
  field: fc.oneof(
    { depthSize: 'small' },
    { weight: 4, arbitrary: fc.constantFrom(...FIELDS) },
    fc.constantFrom(...FIELDS).map((name) => `${name}_again: ${name}`),
    fc.constantFrom('id @include(if: $yes)', 'count @skip(if: $yes)', '...Some', '... on Leaf { score }'),
    fc
      .tuple(fc.constantFrom('next', 'all', 'sure'), tie('selection'))
      .map(([name, inner]) => `${name} ${inner}`),
  ),
})).selection;

test('answers and errors are those of graphql-js, whatever resolvers give', async () => {
  const value = fc.oneof({ weight: 6, arbitrary: tree }, scalar);
  const values = fc.record({
    one: value,
    sure: value,
    many: fc.oneof({ weight: 6, arbitrary: fc.array(value, { maxLength: 3 }) }, scalar),
    number: scalar,
  });
  let withErrors = 0;
  await fc.assert(
    fc.asyncProperty(values, selection, selection, fc.boolean(), async (given, first, second, yes) => {
      data = given;
      const query = `query ($yes: Boolean!) { one ${first} number many ${second} kind: __typename other: sure ${first} ...Also @include(if: $yes) }
        fragment Some on Leaf { colour kind: __typename any } fragment Also on Query { sure { id ...Some } }`;
      const [ours, theirs] = await both(query, { yes });
      // Which errors an answer without data has depends on which of its fields is ready first.
      if (theirs.data === null) expect(ours.data).toBeNull();
      else expect(ours).toEqual(theirs);
      expect(ours.told.length > 0).toBe(theirs.told.length > 0);
      if (theirs.data !== null && theirs.told.length > 0) withErrors++;
    }),
    { numRuns: 150 },
  );
  expect(withErrors).toBeGreaterThan(10);
});

test('planned objects are read by response key, objects with resolvers are left to graphql-js', async () => {
  data = {};
  expect(isPlain(keyed)).toBe(true);
  expect(isPlain(busy)).toBe(false);
  const [ours, theirs] = await both('{ keyed { a: value, b: value(upper: 1), __typename } busy { slow } }');
  expect(ours).toEqual(theirs);
  expect(ours).toMatchObject({ data: { keyed: { a: 'x', b: 'X', __typename: 'Keyed' }, busy: { slow: 7 } } });
});

test('resolvers see the types that clients see; so does introspection', async () => {
  const [named] = await both('{ named { id } }');
  expect(named).toMatchObject({ data: { named: [{ id: 'Query.[Leaf]' }] } });
  const [ours, theirs] = await both(getIntrospectionQuery());
  expect(ours).toEqual(theirs);
  expect(JSON.stringify(ours)).not.toContain('Completed');
  const unplaced = parse(getIntrospectionQuery(), { noLocation: true });
  expect(answer(await executor({ document: unplaced, contextValue: {} }))).toEqual(theirs);
});

test('a request that cannot be executed is told as graphql-js tells it; mutations are executed by it', async () => {
  data = { one: { id: 'x', score: 1, matrix: [] } };
  const wrong = await both('query ($n: Boolean!) { one { id @include(if: $n) } }', { n: 'no' });
  expect(wrong[0]).toEqual(wrong[1]);
  expect(wrong[0]).toMatchObject({ told: [expect.stringContaining('$n')] });
  const [ours] = await both('mutation { one { id } }');
  expect(ours).toMatchObject({ data: { one: { id: 'x' } } });
});
