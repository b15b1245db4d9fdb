import { Field, Float, Int, ObjectType } from 'type-graphql';
import { MetricDimension } from './enums.ts';
import { BigIntScalar, DateScalar, JsonScalar } from './scalars.ts';

/** A dimension as JSON: texts, days and (for the seed) integers. */
export type DimensionScalar = string | number | null;

@ObjectType({ simpleResolvers: true })
export class DimensionValue {
  @Field(() => MetricDimension)
  dimension!: MetricDimension;

  @Field(() => String, { nullable: true })
  value!: string | null;
}

@ObjectType({ description: "A member of the runs' configuration.", simpleResolvers: true })
export class ConfigValue {
  @Field(() => String, { description: 'JSON pointer into `config`.' })
  pointer!: string;

  @Field(() => JsonScalar, { nullable: true, description: 'Null where the runs have none.' })
  value!: unknown;
}

@ObjectType({
  description: 'A metric over the runs of one group, which differ in their seed.',
  simpleResolvers: true,
})
export class MetricAggregate {
  @Field(() => String)
  metric!: string;

  @Field(() => [DimensionValue], { description: 'What the group has in common, in the order of groupBy.' })
  dimensions!: DimensionValue[];

  @Field(() => [ConfigValue], {
    description: 'What their configurations have in common, in the order of groupByConfig.',
  })
  config!: readonly ConfigValue[];

  @Field(() => String, { nullable: true })
  family?: DimensionScalar;

  @Field(() => String, { nullable: true })
  method?: DimensionScalar;

  @Field(() => String, { nullable: true })
  modelId?: DimensionScalar;

  @Field(() => String, { nullable: true })
  benchmark?: DimensionScalar;

  @Field(() => String, { nullable: true })
  split?: DimensionScalar;

  @Field(() => String, { nullable: true })
  scope?: DimensionScalar;

  @Field(() => BigIntScalar, { nullable: true })
  seed?: DimensionScalar;

  @Field(() => DateScalar, { nullable: true })
  runDate?: DimensionScalar;

  @Field(() => String, { nullable: true })
  status?: DimensionScalar;

  @Field(() => String, { nullable: true })
  verdict?: DimensionScalar;

  @Field(() => String, { nullable: true })
  gitCommit?: DimensionScalar;

  @Field(() => Int, { description: 'Runs with a value.' })
  n!: number;

  @Field(() => Int, { description: 'Runs whose value is null or NaN; they are in nothing else here.' })
  nMissing!: number;

  @Field(() => Float, { nullable: true, description: 'Null without values.' })
  mean!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Sample standard deviation, n - 1 in the denominator; null for n < 2.',
  })
  sd!: number | null;

  @Field(() => Float, { nullable: true, description: 'sd / sqrt(n).' })
  sem!: number | null;

  @Field(() => Float, { nullable: true, description: 'mean - halfWidth.' })
  ciLow!: number | null;

  @Field(() => Float, { nullable: true, description: 'mean + halfWidth.' })
  ciHigh!: number | null;

  @Field(() => Float, { nullable: true, description: 'Null for n < 2, where no interval exists.' })
  halfWidth!: number | null;

  @Field(() => Float, { description: 'Of the interval.' })
  confidence!: number;

  @Field(() => String, { description: 'How the interval was made.' })
  interval!: string;

  @Field(() => [Float], {
    nullable: 'items',
    description: 'The values, in the order of their seeds; null where one is infinite.',
  })
  values!: readonly (number | null)[];

  @Field(() => [BigIntScalar], { nullable: 'items', description: 'The seed of each value.' })
  seeds!: readonly (number | string | null)[];

  @Field(() => [String], { description: 'The run of each value.' })
  runIds!: readonly string[];
}
