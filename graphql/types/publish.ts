import { Field, Float, ID, InputType, ObjectType } from 'type-graphql';

@InputType({ description: 'What to publish, and where.' })
export class PublishInput {
  @Field(() => ID, {
    description: 'A run id of the lake, the end of one, or a run directory on the server or in a bucket.',
  })
  runId!: string;

  @Field(() => String, { description: 'Where published runs lie: a directory on the server, or s3://….' })
  out!: string;

  @Field(() => String, {
    nullable: true,
    description: "Directory of the run below `out`; the artifact's run id by default.",
  })
  name?: string | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'With the answers of a subset run, compressed.',
  })
  compressPredictions!: boolean;

  @Field(() => Boolean, { defaultValue: false, description: 'Replace what is published there.' })
  force!: boolean;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Publish a run that is not official too, marked as what it is.',
  })
  allowExploratory!: boolean;
}

@ObjectType({ simpleResolvers: true })
export class PublishedArtifact {
  @Field(() => String)
  file!: string;

  @Field(() => Float)
  bytes!: number;

  @Field(() => String)
  sha256!: string;

  @Field(() => String, { nullable: true, description: 'SHA-256 of what is compressed in it.' })
  contentSha256!: string | null;
}

@ObjectType({ description: 'What was published of a run.', simpleResolvers: true })
export class PublishReceipt {
  @Field(() => String, { description: 'published, replaced or unchanged.' })
  status!: string;

  @Field(() => ID, { description: 'In the lake.' })
  runId!: string;

  @Field(() => String, { description: 'Where the run lies now.' })
  uri!: string;

  @Field(() => String, { description: 'ISO 8601; of the first time when nothing changed.' })
  publishedUtc!: string;

  @Field(() => String, { nullable: true, description: 'OFFICIAL or EXPLORATORY.' })
  verdict!: string | null;

  @Field(() => [String])
  verdictReasons!: readonly string[];

  @Field(() => [String])
  artifactsCopied!: readonly string[];

  @Field(() => [String], { description: '`name (reason)`.' })
  artifactsSkipped!: readonly string[];

  @Field(() => Boolean)
  compressPredictions!: boolean;

  @Field(() => [PublishedArtifact])
  artifacts!: readonly PublishedArtifact[];
}
