import { Field, Float, ID, Int, ObjectType } from 'type-graphql';

@ObjectType({ simpleResolvers: true })
export class FvTopHead {
  @Field(() => Int, { description: '1 is the best.' })
  rank!: number;

  @Field(() => Int)
  layer!: number;

  @Field(() => Int)
  head!: number;

  @Field(() => Float, { nullable: true, description: 'Null where it is infinite.' })
  score!: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Whether the run's own function vector has the head; null where the run does not say.",
  })
  selected!: boolean | null;

  @Field(() => Boolean, {
    description: 'Whether another head has the same score, so that layer and head decided the rank.',
  })
  tied!: boolean;
}

@ObjectType({
  description: 'Scores of the attention heads of a run, over its layers and heads.',
  simpleResolvers: true,
})
export class FvHeatmap {
  @Field(() => ID)
  runId!: string;

  @Field(() => String)
  scoreKey!: string;

  @Field(() => Int, { description: 'Layers of the model, as far as the artifacts tell.' })
  layers!: number;

  @Field(() => Int, { description: 'Query heads a layer, as far as the artifacts tell.' })
  heads!: number;

  @Field(() => [[Float]], {
    nullable: 'items',
    description: 'A list a layer with a score a head; null where there is none.',
  })
  matrix!: readonly (readonly (number | null)[])[];

  @Field(() => Int, { description: 'Heads without a score.' })
  missing!: number;

  @Field(() => Float, { nullable: true })
  min!: number | null;

  @Field(() => Float, { nullable: true })
  max!: number | null;

  @Field(() => Int, { description: 'Number of top heads.' })
  k!: number;

  @Field(() => [FvTopHead], { description: 'By score descending, then layer, then head ascending.' })
  topHeads!: readonly FvTopHead[];

  @Field(() => Float, {
    nullable: true,
    description:
      'Score of rank k minus that of rank k + 1: an error of half of it may change which heads are in. 0 is a tie; null when there is no next head.',
  })
  boundaryGap!: number | null;

  @Field(() => Float, {
    nullable: true,
    description:
      'Smallest distance of a top head to the next one: an error of half of it may change the order.',
  })
  smallestGap!: number | null;
}

@ObjectType({
  description: 'What adding the function vector at the output of one layer does to zero-shot prompts.',
  simpleResolvers: true,
})
export class FvLayerPoint {
  @Field(() => String, { nullable: true, description: 'Relation query of the examples.' })
  qId!: string | null;

  @Field(() => Int)
  layer!: number;

  @Field(() => Float, { nullable: true, description: 'Mean without the function vector.' })
  baseline!: number | null;

  @Field(() => Float, { nullable: true, description: 'Mean with it.' })
  with!: number | null;

  @Field(() => Float, { nullable: true, description: 'Mean of the change.' })
  delta!: number | null;

  @Field(() => Int, { nullable: true, description: 'Examples.' })
  n!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Population standard deviation of the change; null for accuracy.',
  })
  std!: number | null;

  @Field(() => Boolean, {
    description: 'Whether the change is strictly the greatest of all layers, the first one of equals.',
  })
  best!: boolean;
}
