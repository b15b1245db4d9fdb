import { Field, ObjectType, registerEnumType } from 'type-graphql';

export const CatalogKind = { TABLE: 'table', VIEW: 'view' } as const;

registerEnumType(CatalogKind, {
  name: 'CatalogKind',
  description: 'What a name in SQL stands for.',
  valuesConfig: {
    TABLE: { description: 'Rows that are stored.' },
    VIEW: { description: 'A SELECT over tables.' },
  },
});

@ObjectType({ description: 'A column as SQL sees it.', simpleResolvers: true })
export class CatalogColumn {
  @Field(() => String, { description: 'As in SQL.' })
  name!: string;

  @Field(() => String, { description: 'DuckDB type.' })
  type!: string;

  @Field(() => String, { description: 'What its values mean.' })
  description!: string;
}

@ObjectType({ description: 'A table or view that `sql` and exports can read.', simpleResolvers: true })
export class CatalogEntry {
  @Field(() => CatalogKind, { description: 'Table or view.' })
  kind!: 'table' | 'view';

  @Field(() => String, { description: 'As in SQL.' })
  name!: string;

  @Field(() => String, { description: 'What one row is.' })
  description!: string;

  @Field(() => [CatalogColumn], { description: 'In their order.' })
  columns!: readonly CatalogColumn[];
}
