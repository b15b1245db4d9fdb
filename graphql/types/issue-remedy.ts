import { Field, ObjectType } from 'type-graphql';

@ObjectType({ description: 'What to do about issues of one code.', simpleResolvers: true })
export class IssueRemedy {
  @Field(() => String, { description: 'As in `Issue.code`.' })
  code!: string;

  @Field(() => String, { description: 'What a person can do.' })
  remedy!: string;
}
