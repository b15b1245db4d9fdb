import { Field, ObjectType } from 'type-graphql';
import { JsonScalar } from './scalars.ts';

@ObjectType({ description: 'One item of the contract checklist of a run.', simpleResolvers: true })
export class ComplianceItem {
  @Field(() => String, { nullable: true, description: 'What was checked.' })
  item!: string | null;

  @Field(() => Boolean, { nullable: true, description: 'Null where it does not apply.' })
  passed!: boolean | null;

  @Field(() => JsonScalar, { nullable: true, description: 'What was found.' })
  detail!: unknown;
}
