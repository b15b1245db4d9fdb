import { Field, Float, ObjectType } from 'type-graphql';

@ObjectType({
  description: 'How an identity between numbers of an artifact came out.',
  simpleResolvers: true,
})
export class IdentityCheck {
  @Field(() => String, { description: 'As the contract writes it.' })
  identity!: string;

  @Field(() => Float, {
    nullable: true,
    description: 'Its left side; of many pairs, the one furthest apart.',
  })
  found!: number | null;

  @Field(() => Float, { nullable: true, description: 'Its right side.' })
  expected!: number | null;

  @Field(() => Float, { nullable: true, description: 'How far they are apart.' })
  difference!: number | null;

  @Field(() => Float, { description: 'How far they may be apart.' })
  tolerance!: number;

  @Field(() => Boolean, { description: 'Whether both are parts of the larger side.' })
  relative!: boolean;

  @Field(() => Boolean, { description: 'Whether the difference is within the tolerance.' })
  holds!: boolean;

  @Field(() => Boolean, { description: 'False for a claim that real files contradict: it decides nothing.' })
  asserted!: boolean;
}
