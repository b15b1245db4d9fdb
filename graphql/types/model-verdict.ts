import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import { DateTimeScalar } from './scalars.ts';

@ObjectType({
  description: 'An identity that holds of any model: the same number computed in two ways.',
  simpleResolvers: true,
})
export class ModelCheck {
  @Field(() => String)
  name!: string;

  @Field(() => Float, { nullable: true, description: 'Largest difference; null where one is no number.' })
  difference!: number | null;

  @Field(() => Float)
  tolerance!: number;

  @Field(() => Boolean)
  passed!: boolean;
}

@ObjectType({
  description: 'Whether a model computes consistently: for these weights, provider, arithmetic and versions.',
  simpleResolvers: true,
})
export class ModelVerdict {
  @Field(() => String, { description: 'As it was called when it was checked.' })
  name!: string;

  @Field(() => ID, { description: 'SHA-256 of config.json and the weights.' })
  modelHash!: string;

  @Field(() => String, { description: 'Architecture, e.g. llama.' })
  modelType!: string;

  @Field(() => String, { description: 'Execution provider.' })
  provider!: string;

  @Field(() => String, { description: 'Type of the arithmetic.' })
  compute!: string;

  @Field(() => Int, { description: "Version of the engine's graph." })
  graphVersion!: number;

  @Field(() => String, { description: 'Version of ONNX Runtime.' })
  runtime!: string;

  @Field(() => [Int], { description: 'Points of the residual stream that were compared.' })
  residualPoints!: readonly number[];

  @Field(() => [Int], { description: 'Layers whose heads were compared.' })
  headLayers!: readonly number[];

  @Field(() => Boolean)
  passed!: boolean;

  @Field(() => [ModelCheck])
  checks!: readonly ModelCheck[];

  @Field(() => DateTimeScalar)
  checkedAt!: string;

  @Field(() => String, { description: 'Host that checked it.' })
  machine!: string;
}
