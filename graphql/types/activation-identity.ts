import { Field, ID, Int, ObjectType } from 'type-graphql';

/** What every answer says of an activation that it names. */
@ObjectType({ simpleResolvers: true })
export abstract class ActivationIdentity {
  @Field(() => ID)
  storeId!: string;

  @Field(() => String)
  activationKey!: string;

  @Field(() => String, { nullable: true })
  exampleId!: string | null;

  @Field(() => String, { nullable: true })
  segment!: string | null;

  @Field(() => Int, { nullable: true })
  tokenIndex!: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Label of its generations in the runs of `runIds`; null without them, and where they disagree.',
  })
  halu!: boolean | null;
}
