import { Field, Int, ObjectType } from 'type-graphql';
import { JsonScalar } from './scalars.ts';

@ObjectType({ simpleResolvers: true })
export class IngestIssue {
  @Field(() => String, { description: 'error, warning or info.' })
  severity!: string;

  @Field(() => String)
  code!: string;

  @Field(() => String, { nullable: true })
  file?: string | null;

  @Field(() => Int, { nullable: true })
  line?: number | null;

  @Field(() => String, { nullable: true, description: 'RFC 6901 JSON pointer.' })
  pointer?: string | null;

  @Field(() => String)
  message!: string;
}

@ObjectType({ simpleResolvers: true })
export class IngestedRunReport {
  @Field(() => String)
  runId!: string;

  @Field(() => String)
  family!: string;

  @Field(() => String, { description: 'ingested, unchanged, replaced or rejected.' })
  status!: string;

  @Field(() => JsonScalar, { description: 'Rows by table.' })
  rows!: Readonly<Record<string, number>>;

  @Field(() => [IngestIssue])
  issues!: readonly IngestIssue[];
}

@ObjectType({ description: 'What an ingest did.', simpleResolvers: true })
export class IngestReport {
  @Field(() => [IngestedRunReport])
  runs!: readonly IngestedRunReport[];

  @Field(() => [IngestIssue], { description: 'What was noteworthy in the tree and belongs to no run.' })
  issues!: readonly IngestIssue[];

  @Field(() => Int, { description: 'Runs that are in the lake now.' })
  accepted!: number;

  @Field(() => Int)
  rejected!: number;
}
