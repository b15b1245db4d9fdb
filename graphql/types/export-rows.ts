import { Field, InputType, Int } from 'type-graphql';
import { ENTITIES, type Entity, type EntityName, ROOT_ENTITIES } from '../plan/entities.ts';
import { FILTERS, listArguments } from './inputs.ts';
import { defineField, namedClass } from './operators.ts';

type Constructor = new () => object;

const COLUMNS = 'Which columns, by the names that tables or fields give them; all without it.';

/** Rows of one table: what its connection takes, but for pages. */
function rowsInput(entity: Entity): Constructor {
  const name = `${entity.name}Rows`;
  const input = namedClass(name);
  for (const { name: argument, type, options } of listArguments(entity)) {
    const limit = { nullable: true, description: 'At most this many; all without it.' };
    defineField(input, argument, type, argument === 'first' ? limit : options);
  }
  defineField(input, 'columns', () => [String], { nullable: true, description: COLUMNS });
  InputType(name, { description: `Which rows of \`${entity.table.name}\` to export.` })(input);
  return input;
}

@InputType({ description: 'Which rows of any table or view to export.' })
export class RelationRows {
  @Field(() => String, { description: 'Name of the table or view.' })
  name!: string;

  @Field(() => FILTERS.Run, {
    nullable: true,
    description: 'Conditions on the run that a row belongs to, where rows have a `run_id`.',
  })
  run?: unknown;

  @Field(() => Int, { nullable: true, description: 'At most this many; all without it.' })
  first?: number | null;

  @Field(() => [String], { nullable: true, description: COLUMNS })
  columns?: readonly string[] | null;
}

/** One field for each connection of Query, and one for everything else that SQL can read. */
export const ExportRows: Constructor = namedClass('ExportRows');

function defineRows(field: string, name: EntityName): void {
  const input = rowsInput(ENTITIES[name]);
  const description = `Rows as the field \`${field}\` of Query gives them.`;
  defineField(ExportRows, field, () => input, { nullable: true, description });
}

for (const [field, name] of ROOT_ENTITIES) defineRows(field, name);
defineField(ExportRows, 'relation', () => RelationRows, {
  nullable: true,
  description: 'Rows of any other table, or of a view.',
});
InputType('ExportRows', {
  description:
    'Rows without SQL: exactly one of these. Without `orderBy` and `first` they come in any order.',
})(ExportRows);
