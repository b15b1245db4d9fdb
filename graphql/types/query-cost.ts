import { Field, Float, Int, ObjectType } from 'type-graphql';
import { BigIntScalar } from './scalars.ts';

@ObjectType({ description: 'What a query would read of a table.', simpleResolvers: true })
export class TableCost {
  @Field(() => String)
  table!: string;

  @Field(() => Int, { description: 'Data files left after pruning.' })
  files!: number;

  @Field(() => Float, { description: 'Bytes of these files, all columns.' })
  bytes!: number;

  @Field(() => BigIntScalar)
  rows!: number;

  @Field(() => Int, {
    description:
      'Parquet row groups, estimated from the rows; the engine skips further ones by their statistics.',
  })
  rowGroups!: number;
}

@ObjectType({ description: 'What a query would cost; nothing was run.', simpleResolvers: true })
export class QueryCost {
  @Field(() => String, { description: 'graphql or sql.' })
  language!: string;

  @Field(() => [TableCost])
  tables!: readonly TableCost[];

  @Field(() => Int)
  files!: number;

  @Field(() => Float)
  bytes!: number;

  @Field(() => BigIntScalar)
  rows!: number;

  @Field(() => Int)
  rowGroups!: number;

  @Field(() => Float, { nullable: true, description: 'GraphQL: upper bound of the objects in the answer.' })
  nodes!: number | null;

  @Field(() => Int, { description: 'SQL statements that would run.' })
  statements!: number;

  @Field(() => Boolean, { description: 'Whether the limits of this server let it run.' })
  allowed!: boolean;

  @Field(() => String)
  snapshot!: string;
}
