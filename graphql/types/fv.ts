import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { QuerySet, VectorKind } from '../../ingest/contracts/fv/additions.ts';

/** GraphQL name -> value in the tables. */
export const FvVectorKind = {
  FUNCTION_VECTOR: 'function_vector',
  RANDOM_VECTOR: 'random_vector',
  RANDOM_HEADS: 'random_heads',
  OTHER_QUERY: 'other_query',
  DISTRIBUTED: 'distributed',
} as const satisfies Record<string, VectorKind>;
registerEnumType(FvVectorKind, {
  name: 'FvVectorKind',
  description: 'What was added to the model: the function vector, or a control that has no reason to help.',
  valuesConfig: {
    FUNCTION_VECTOR: { description: 'The vector of the run.' },
    RANDOM_VECTOR: { description: 'Control: normal random numbers with the norm of the function vector.' },
    RANDOM_HEADS: { description: 'Control: the vector of as many heads that were not chosen.' },
    OTHER_QUERY: {
      description: 'Control: the vector of the same heads over the prompts of another relation query.',
    },
    DISTRIBUTED: {
      description:
        'The mean of each chosen head, added at the out-projection of its own layer; the layer is the last of them.',
    },
  },
});

/** GraphQL name -> value in the tables. */
export const FvQuerySet = {
  EXTRACTION: 'extraction',
  HELD_OUT: 'held_out',
} as const satisfies Record<string, QuerySet>;
registerEnumType(FvQuerySet, {
  name: 'FvQuerySet',
  description: 'Which zero-shot examples a vector was evaluated on.',
  valuesConfig: {
    EXTRACTION: {
      description: 'The queries of the trials that the vector was made of, as the reference has it.',
    },
    HELD_OUT: { description: 'Rows that no trial used.' },
  },
});

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
  description:
    'What adding the function vector, or a control, at the output of one layer does to zero-shot prompts.',
  simpleResolvers: true,
})
export class FvLayerPoint {
  @Field(() => String, { nullable: true, description: 'Relation query of the examples.' })
  qId!: string | null;

  @Field(() => Int, { nullable: true, description: 'Which draw of a random control, from 0.' })
  draw!: number | null;

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
    description:
      'Whether the change is strictly the greatest of all layers of the curve, the first one of equals.',
  })
  best!: boolean;
}
