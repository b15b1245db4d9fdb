import fc from 'fast-check';
import {
  buildSchema,
  coerceInputValue,
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLID,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLScalarType,
  GraphQLString,
  isInputObjectType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { blank, draftOf, type Members, membersOf, read, type Slot } from './draft.ts';

/** A type, and values of it as JSON has them. */
interface Case {
  readonly type: GraphQLInputType;
  readonly value: unknown;
}

const scalar = (name: string) => new GraphQLScalarType({ name });
const MODE = new GraphQLEnumType({ name: 'Mode', values: { GREEDY: {}, TOP_K: {} } });
const leaves: readonly fc.Arbitrary<Case>[] = [
  fc.string().map((value) => ({ type: GraphQLString, value })),
  fc.string({ unit: 'grapheme' }).map((value) => ({ type: GraphQLID, value })),
  fc.integer().map((value) => ({ type: GraphQLInt, value })),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((value) => ({ type: GraphQLFloat, value: value + 0 })),
  fc.boolean().map((value) => ({ type: GraphQLBoolean, value })),
  fc.bigInt().map((value) => ({ type: scalar('BigInt'), value: String(value) })),
  fc.constantFrom('GREEDY', 'TOP_K').map((value) => ({ type: MODE, value })),
  fc
    .jsonValue({ noUnicodeString: false })
    .filter((value) => value !== null)
    // As it arrives: without the sign of zero.
    .map((value) => ({ type: scalar('JSON'), value: JSON.parse(JSON.stringify(value)) })),
];

let types = 0;
const cases = fc.letrec<{ any: Case }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    ...leaves,
    tie('any').map(({ type, value }) => ({ type: new GraphQLNonNull(nullable(type)), value })),
    fc
      .tuple(tie('any'), fc.integer({ min: 0, max: 3 }))
      .map(([{ type, value }, n]) => ({ type: new GraphQLList(type), value: Array(n).fill(value) })),
    fc.array(tie('any'), { minLength: 1, maxLength: 4 }).map((members) => ({
      type: new GraphQLInputObjectType({
        name: `Object${types++}`,
        fields: Object.fromEntries(members.map(({ type }, i) => [`m${i}`, { type }])),
      }),
      value: Object.fromEntries(members.map(({ value }, i) => [`m${i}`, value])),
    })),
  ),
})).any;

function nullable(type: GraphQLInputType): Exclude<GraphQLInputType, GraphQLNonNull<never>> {
  return type instanceof GraphQLNonNull ? type.ofType : type;
}

const schema = buildSchema(`
  scalar JSON
  scalar BigInt
  enum Rule { EXACT_MATCH NONE }
  input Model { path: String!  batchSize: Int = 8  share: Float  stop: [String!] = ["a"] }
  input Extra { share: Float = 0.5 }
  input Choice @oneOf { one: String  two: Int }
  input Job { model: Model!  rule: Rule = NONE  rows: [JSON!]  deep: [[Int]]  choice: Choice  seed: BigInt  on: Boolean  more: Extra = {} }
  type Query { job(input: Job!, priority: Int! = 0): Int }
`);
const job = schema.getType('Job');
if (!isInputObjectType(job)) throw new TypeError('no input');
const slots = Object.values(job.getFields());
const reading = (draft: Members) => read(slots, draft);

describe('a draft', () => {
  it('reads as the value it was made of, whatever the type', () => {
    fc.assert(
      fc.property(cases, ({ type, value }) => {
        const slot: Slot = { name: 'it', type };
        const draft = draftOf(type, value);
        const { value: read_, problems } = read([slot], draft === undefined ? {} : { it: draft });
        expect(problems).toEqual([]);
        expect(read_).toEqual({ it: value });
        // The server would take it.
        coerceInputValue(read_['it'], type);
      }),
    );
  });

  it('never throws, and has no problem that is not at a place in it', () => {
    const drafts = fc.letrec<{ any: Members }>((tie) => ({
      any: fc.dictionary(
        fc.constantFrom('model', 'path', 'batchSize', 'rows', 'deep', 'choice', 'one', 'rule', 'on'),
        fc.oneof({ maxDepth: 3 }, fc.string(), fc.boolean(), fc.array(fc.string()), tie('any')),
      ),
    })).any;
    fc.assert(
      fc.property(drafts, (draft) => {
        for (const { pointer } of reading(draft).problems) expect(pointer).toMatch(/^\/\w+(\/\w+)*$/);
      }),
    );
  });

  it('says what is missing or no number, where it is', () => {
    const draft = {
      model: { batchSize: '1.5', share: 'x' },
      rule: 'MAYBE',
      rows: ['{'],
      deep: [['1', '', 'a']],
      choice: { one: 'a', two: '2' },
      seed: '9007199254740993',
    };
    const { value, problems } = reading(draft);
    expect(problems).toEqual([
      { pointer: '/model/path', message: 'is needed' },
      { pointer: '/model/batchSize', message: 'expected a whole number' },
      { pointer: '/model/share', message: 'expected a number' },
      { pointer: '/rule', message: 'expected one of EXACT_MATCH, NONE' },
      { pointer: '/rows/0', message: expect.stringContaining('is not JSON') },
      { pointer: '/deep/0/1', message: 'is empty: fill it in, or remove it' },
      { pointer: '/deep/0/2', message: 'expected a whole number' },
      { pointer: '/choice', message: 'expected exactly one of these' },
    ]);
    expect(reading({}).problems).toEqual([{ pointer: '/model/path', message: 'is needed' }]);
    expect(value['seed']).toBe('9007199254740993');
    expect(reading({ model: { path: 'p', batchSize: '3000000000' } }).problems).toMatchObject([
      { pointer: '/model/batchSize', message: expect.stringContaining('32-bit') },
    ]);
  });

  it('of a specification has the words of the API, and leaves out defaults and what the type does not know', () => {
    const spec = {
      model: { path: '/m', batchSize: 8, stop: ['a'], unknown: 1 },
      rule: 'exact-match',
      more: { share: 0.5 },
      on: false,
      choice: null,
    };
    expect(membersOf(slots, spec)).toEqual({ model: { path: '/m' }, rule: 'EXACT_MATCH', on: false });
  });

  it('begins blank', () => {
    expect(blank(job)).toEqual({});
    const rows = job.getFields()['rows'];
    expect(rows && blank(rows.type)).toEqual(['']);
  });
});
