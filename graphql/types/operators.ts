import { Field, Float, InputType, Int } from 'type-graphql';
import type { EntityField, ScalarName } from '../plan/entities.ts';
import { BigIntScalar, DateScalar, DateTimeScalar } from './scalars.ts';

export type TypeThunk = Parameters<typeof Field>[0] & (() => unknown);
type Constructor = new () => object;

/** Applies decorators to a class that is made from data. */
export function defineField(target: Constructor, name: string, type: () => unknown, options: object): void {
  // The decorator's own parameter type is not exported; it is checked when the schema is built.
  Field(type as Parameters<typeof Field>[0] & (() => StringConstructor), options)(target.prototype, name);
}

/** A class with the given name, for type-graphql's registry. */
export function namedClass(name: string): Constructor {
  const holder = { [name]: class {} };
  return holder[name] ?? class {};
}

const DOCS = {
  eq: 'Equal.',
  ne: 'Not equal; nulls are not equal to anything.',
  in: 'One of these.',
  contains:
    'Has this text in it (case matters); of a list, this item; of JSON, this text of it without spaces, e.g. `"max_tokens":8`.',
  gt: 'Greater.',
  gte: 'Greater or equal.',
  lt: 'Less.',
  lte: 'Less or equal.',
  isNull: 'true: has no value; false: has one.',
} as const;
type Operator = keyof typeof DOCS;

function operators(name: string, type: () => unknown, names: readonly Operator[]): Constructor {
  const input = namedClass(name);
  for (const operator of names) {
    const list = operator === 'in';
    const operand = operator === 'isNull' ? () => Boolean : list ? () => [type()] : type;
    defineField(input, operator, operand, { nullable: true, description: DOCS[operator] });
  }
  InputType(name, { description: `Conditions on the value; all of them hold.` })(input);
  return input;
}

const ORDERED: readonly Operator[] = ['eq', 'ne', 'in', 'gt', 'gte', 'lt', 'lte', 'isNull'];

const StringFilter = operators('StringFilter', () => String, [...ORDERED, 'contains']);
const IntFilter = operators('IntFilter', () => Int, ORDERED);
const BigIntFilter = operators('BigIntFilter', () => BigIntScalar, ORDERED);
const FloatFilter = operators('FloatFilter', () => Float, ORDERED);
const BooleanFilter = operators('BooleanFilter', () => Boolean, ['eq', 'ne', 'in', 'isNull']);
const DateFilter = operators('DateFilter', () => DateScalar, ORDERED);
const DateTimeFilter = operators('DateTimeFilter', () => DateTimeScalar, ORDERED);
const ListFilter = operators('StringListFilter', () => String, ['contains', 'isNull']);
const JsonFilter = operators('JSONFilter', () => String, ['contains', 'isNull']);

const FILTERS: Readonly<Partial<Record<ScalarName, Constructor>>> = {
  ID: StringFilter,
  String: StringFilter,
  Int: IntFilter,
  BigInt: BigIntFilter,
  Float: FloatFilter,
  Boolean: BooleanFilter,
  Date: DateFilter,
  DateTime: DateTimeFilter,
  StringList: ListFilter,
  JSON: JsonFilter,
  ComplianceItem: JsonFilter,
  IdentityCheck: JsonFilter,
};

/** The input type of conditions on a field; undefined where there is nothing to compare (vectors). */
export function operatorsOf(field: EntityField): Constructor | undefined {
  return FILTERS[field.scalar];
}
