import { Field, Int, ObjectType } from 'type-graphql';
import { JsonScalar } from './scalars.ts';

@ObjectType({ simpleResolvers: true })
export class SqlColumn {
  @Field(() => String)
  name!: string;

  @Field(() => String, { description: 'DuckDB type.' })
  type!: string;
}

@ObjectType({ description: 'Rows of a read-only SQL statement.', simpleResolvers: true })
export class SqlResult {
  @Field(() => [SqlColumn])
  columns!: readonly SqlColumn[];

  @Field(() => [JsonScalar], {
    description:
      'Each row is an array with one value a column. Integers beyond 2^53 are decimal text; NaN and infinities are null (see `extensions.issues`).',
  })
  rows!: readonly (readonly unknown[])[];

  @Field(() => Int)
  rowCount!: number;

  @Field(() => Boolean, { description: 'Whether maxRows left rows out.' })
  truncated!: boolean;

  @Field(() => String, { description: 'Token of the state of the lake it was read from.' })
  snapshot!: string;
}
