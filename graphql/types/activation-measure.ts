import { Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { Measure } from '../plan/activation-measure.ts';
import { ActivationIdentity } from './activation-identity.ts';

/** GraphQL name -> what the planner calls it. */
export const ActivationMeasure = {
  DOT: 'dot',
  COSINE: 'cosine',
} as const satisfies Record<string, Measure>;
registerEnumType(ActivationMeasure, {
  name: 'ActivationMeasure',
  description: 'What two vectors have in common.',
  valuesConfig: {
    DOT: { description: 'Dot product.' },
    COSINE: { description: 'Dot product over the product of the Euclidean norms, -1 to 1.' },
  },
});

@InputType({ description: 'One row of activations: as many of its columns as it takes to name it.' })
export class ActivationVectorInput {
  @Field(() => String)
  activationKey!: string;

  @Field(() => Int)
  layer!: number;

  @Field(() => String, { nullable: true })
  storeId?: string;

  @Field(() => String, { nullable: true })
  site?: string;

  @Field(() => String, { nullable: true })
  tokenSelector?: string;

  @Field(() => String, { nullable: true })
  segment?: string;

  @Field(() => Int, { nullable: true })
  tokenIndex?: number;
}

@InputType({ description: 'One row of fvVectors: as many of its columns as it takes to name it.' })
export class FvVectorInput {
  @Field(() => ID)
  runId!: string;

  @Field(() => String, { description: 'E.g. fv_global_resid.' })
  kind!: string;

  @Field(() => Int, { nullable: true })
  layer?: number;

  @Field(() => Int, { nullable: true })
  head?: number;

  @Field(() => String, { nullable: true })
  qId?: string;
}

@InputType({ description: 'The direction of a probe: the weights in the probe.json of its run.' })
export class ProbeDirectionInput {
  @Field(() => ID)
  runId!: string;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Also compare it with activations of other sites, layers, segments and tokens than it was trained on; they are refused else.',
  })
  elsewhere?: boolean;
}

@InputType({ description: 'A vector that activations are compared with: exactly one of these.' })
export class ActivationTargetInput {
  @Field(() => ActivationVectorInput, { nullable: true })
  activation?: ActivationVectorInput;

  @Field(() => FvVectorInput, { nullable: true })
  fv?: FvVectorInput;

  @Field(() => ProbeDirectionInput, { nullable: true })
  probe?: ProbeDirectionInput;

  @Field(() => [Float], {
    nullable: true,
    description: 'The numbers.',
  })
  vector?: number[];
}

@ObjectType({ simpleResolvers: true })
export class MeasuredActivation extends ActivationIdentity {
  @Field(() => Int)
  layer!: number;

  @Field(() => String)
  site!: string;

  @Field(() => String)
  tokenSelector!: string;

  @Field(() => Float, { nullable: true, description: 'Euclidean norm; null where it is not finite.' })
  norm!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'The measure; null where it is undefined. Such rows come last.',
  })
  value!: number | null;
}

@ObjectType({ description: 'Activations measured against one vector.', simpleResolvers: true })
export class MeasuredActivations {
  @Field(() => Int, { description: 'Width of the vectors.' })
  dim!: number;

  @Field(() => Float, { description: 'Euclidean norm of the vector they were compared with.' })
  targetNorm!: number;

  @Field(() => Int, { description: 'Activations that were compared, of which `rows` are the first.' })
  n!: number;

  @Field(() => Int, {
    description: 'Those without a measure: NaN or infinite values, and for cosine vectors of norm 0.',
  })
  nUndefined!: number;

  @Field(() => [MeasuredActivation], {
    description:
      'By value; equal values by the identity of the row. `generations(filter: {activationKey: {in: […]}})` has their texts.',
  })
  rows!: readonly MeasuredActivation[];

  @Field(() => String, {
    nullable: true,
    description: 'Of the last row, for `after` of projectActivations; null where none follows.',
  })
  endCursor!: string | null;
}
