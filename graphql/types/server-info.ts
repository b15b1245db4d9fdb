import { Field, Float, ObjectType } from 'type-graphql';

@ObjectType({ description: 'Who asks.', simpleResolvers: true })
export class PrincipalInfo {
  @Field(() => String, { description: 'Name of the token; anonymous without one.' })
  name!: string;

  @Field(() => String, { description: 'reader, ingester or operator.' })
  role!: string;
}

@ObjectType({ description: 'What one request may ask for at most.', simpleResolvers: true })
export class LimitInfo {
  @Field(() => String, { description: 'As in `extensions.limit` of an error.' })
  name!: string;

  @Field(() => Float)
  allowed!: number;

  @Field(() => String, { description: 'What is counted.' })
  unit!: string;
}

@ObjectType({ description: 'What this server lets whoever asks do.', simpleResolvers: true })
export class ServerInfo {
  @Field(() => PrincipalInfo)
  principal!: PrincipalInfo;

  @Field(() => [LimitInfo])
  limits!: readonly LimitInfo[];
}
