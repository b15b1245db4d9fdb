import { Field, Float, Int, ObjectType } from 'type-graphql';

@ObjectType({ description: 'What compaction did to a table.', simpleResolvers: true })
export class CompactionReport {
  @Field(() => String)
  table!: string;

  @Field(() => Int)
  filesBefore!: number;

  @Field(() => Int)
  filesAfter!: number;

  @Field(() => Float)
  bytesBefore!: number;

  @Field(() => Float)
  bytesAfter!: number;

  @Field(() => Int, { description: 'Version of the table afterwards.' })
  version!: number;
}

@ObjectType({ description: 'Objects that a vacuum deleted, or would delete.', simpleResolvers: true })
export class VacuumReport {
  @Field(() => String)
  table!: string;

  @Field(() => Int)
  files!: number;

  @Field(() => Float)
  bytes!: number;
}
