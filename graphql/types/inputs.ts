import { ArgsType, Field, InputType, Int, registerEnumType } from 'type-graphql';
import { DEFAULT_PAGE } from '../plan/compile.ts';
import { ENTITIES, type Entity, type EntityName } from '../plan/entities.ts';
import { NullsOrder, SortDirection } from './enums.ts';
import { defineField, namedClass, operatorsOf } from './operators.ts';
import { DateTimeScalar } from './scalars.ts';

type Constructor = new () => object;

@InputType('AsOf', { description: 'Which state of the lake to read: exactly one of the three.' })
export class AsOfInput {
  @Field(() => String, { nullable: true, description: 'A token from `extensions.snapshot`.' })
  snapshot?: string;

  @Field(() => Int, { nullable: true, description: 'A version of the table `runs`.' })
  version?: number;

  @Field(() => DateTimeScalar, { nullable: true, description: 'The newest state at this time.' })
  timestamp?: string;
}

/** `createdAt` -> `CREATED_AT`. */
function constantCase(name: string): string {
  return name.replace(/([A-Z])/g, '_$1').toUpperCase();
}

const UNSORTABLE: ReadonlySet<string> = new Set([
  'Vector',
  'JSON',
  'ComplianceItem',
  'IdentityCheck',
  'StringList',
  'BigIntList',
  'FloatList',
]);

function orderInput(entity: Entity): Constructor {
  const fields = [...entity.fields.values()].filter(({ scalar }) => !UNSORTABLE.has(scalar));
  const values = Object.fromEntries(fields.map(({ name, column }) => [constantCase(name), column.name]));
  const name = `${entity.name}Order`;
  registerEnumType(values, {
    name: `${name}Field`,
    description: `What rows of \`${entity.table.name}\` can be sorted by.`,
    valuesConfig: Object.fromEntries(
      fields.map(({ name: field, column }) => [constantCase(field), { description: column.doc }]),
    ),
  });
  const input = namedClass(name);
  defineField(input, 'field', () => values, {});
  defineField(input, 'direction', () => SortDirection, { defaultValue: SortDirection.ASC });
  defineField(input, 'nulls', () => NullsOrder, { defaultValue: NullsOrder.LAST });
  InputType(name, { description: `A sort key of rows of \`${entity.table.name}\`.` })(input);
  return input;
}

function filterInput(entity: Entity): Constructor {
  const name = `${entity.name}Filter`;
  const input = namedClass(name);
  for (const field of entity.fields.values()) {
    const operators = operatorsOf(field);
    if (operators)
      defineField(input, field.name, () => operators, { nullable: true, description: field.column.doc });
  }
  if (entity.columns.has('run_id') && entity.name !== 'Run') {
    defineField(input, 'run', () => FILTERS.Run, {
      nullable: true,
      description: 'Conditions on the run it belongs to.',
    });
  }
  for (const [combinator, description] of [
    ['and', 'All of these hold.'],
    ['or', 'At least one of these holds.'],
  ] as const) {
    defineField(input, combinator, () => [input], { nullable: true, description });
  }
  defineField(input, 'not', () => input, { nullable: true, description: 'This does not hold.' });
  InputType(name, { description: 'All given conditions hold.' })(input);
  return input;
}

function each(make: (entity: Entity) => Constructor): Readonly<Record<EntityName, Constructor>> {
  const entries = Object.values(ENTITIES).map((entity) => [entity.name, make(entity)] as const);
  return Object.fromEntries(entries) as Record<EntityName, Constructor>;
}

export const ORDERS = each(orderInput);
export const FILTERS: Readonly<Record<EntityName, Constructor>> = each(filterInput);

/** An argument that a field takes, before it is given to a decorator. */
export interface ArgumentSpec {
  readonly name: string;
  readonly type: () => unknown;
  readonly options: {
    readonly nullable?: boolean;
    readonly defaultValue?: unknown;
    readonly description?: string;
  };
}

/** Arguments that select rows of an entity. */
export function listArguments(entity: Entity, first = DEFAULT_PAGE): ArgumentSpec[] {
  const list: ArgumentSpec[] = [
    filterArgument(entity),
    { name: 'orderBy', type: () => [ORDERS[entity.name]], options: { nullable: true } },
    { name: 'first', type: () => Int, options: { defaultValue: first, description: 'At most this many.' } },
  ];
  return entity.name === 'Activation' ? [...ACTIVATION_ARGUMENTS, ...list] : list;
}

export function filterArgument(entity: Entity): ArgumentSpec {
  return { name: 'filter', type: () => FILTERS[entity.name], options: { nullable: true } };
}

const ACTIVATION_ARGUMENTS: readonly ArgumentSpec[] = [
  {
    name: 'layer',
    type: () => Int,
    options: { nullable: true, description: 'Only this layer; -1 is the last one of the store and site.' },
  },
  {
    name: 'site',
    type: () => String,
    options: { nullable: true, description: 'Only this site, e.g. resid_post.' },
  },
  {
    name: 'tokenSelector',
    type: () => String,
    options: { nullable: true, description: 'Only `all`, `last` or `mean` rows.' },
  },
];

/** Arguments of a connection of Query, as a class that type-graphql understands. */
function connectionArguments(entity: Entity): Constructor {
  const args = namedClass(`${entity.name}ConnectionArgs`);
  for (const { name, type, options } of [...listArguments(entity), ...PAGE_ARGUMENTS]) {
    defineField(args, name, type, options);
  }
  ArgsType()(args);
  return args;
}

const PAGE_ARGUMENTS: readonly ArgumentSpec[] = [
  {
    name: 'after',
    type: () => String,
    options: { nullable: true, description: 'Only what comes after this cursor.' },
  },
  { name: 'asOf', type: () => AsOfInput, options: { nullable: true } },
];

export const CONNECTION_ARGUMENTS = each(connectionArguments);
