import { Field, Float, Int, ObjectType } from 'type-graphql';
import { BigIntScalar, DateTimeScalar } from './scalars.ts';

@ObjectType({ simpleResolvers: true })
export class ColumnInfo {
  @Field(() => String)
  name!: string;

  @Field(() => String, {
    description: 'string, json, long, integer, double, boolean, timestamp, date or a list.',
  })
  type!: string;

  @Field(() => Boolean)
  nullable!: boolean;

  @Field(() => String)
  doc!: string;
}

@ObjectType({ description: 'A table in one state of the lake.', simpleResolvers: true })
export class TableInfo {
  @Field(() => String)
  name!: string;

  @Field(() => String)
  doc!: string;

  @Field(() => Int, { nullable: true, description: 'Null before the first commit.' })
  version!: number | null;

  @Field(() => Int, { description: 'Data files with current rows.' })
  files!: number;

  @Field(() => Float, { description: 'Their bytes.' })
  bytes!: number;

  @Field(() => BigIntScalar, { description: 'Rows in these files.' })
  rows!: number;

  @Field(() => [ColumnInfo])
  columns!: readonly ColumnInfo[];
}

@ObjectType({ description: 'One state of the lake.', simpleResolvers: true })
export class LakeInfo {
  @Field(() => String, { description: 'Token for asOf.' })
  snapshot!: string;

  @Field(() => DateTimeScalar, { description: 'Time of its newest commit.' })
  timestamp!: string;

  @Field(() => [TableInfo])
  tables!: readonly TableInfo[];

  @Field(() => Int)
  files!: number;

  @Field(() => Float)
  bytes!: number;
}
