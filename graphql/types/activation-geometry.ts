import { Field, Float, Int, ObjectType } from 'type-graphql';
import { ActivationIdentity } from './activation-identity.ts';

/** What is said of every layer. */
@ObjectType({ simpleResolvers: true })
abstract class OfLayer {
  @Field(() => Int)
  layer!: number;

  @Field(() => Int, { description: 'Width of the vectors.' })
  dim!: number;

  @Field(() => Int, { description: 'Activations that were left out: NaN or infinite values.' })
  nUndefined!: number;
}

/** What is said of every layer with two classes. */
@ObjectType({ simpleResolvers: true })
abstract class OfClasses extends OfLayer {
  @Field(() => Int)
  nPositive!: number;

  @Field(() => Int)
  nNegative!: number;
}

@ObjectType({
  description: 'How the mean activations of two classes differ at a layer.',
  simpleResolvers: true,
})
export class LayerMeanDifference extends OfClasses {
  @Field(() => Float, { nullable: true, description: 'Euclidean norm of the mean of the positives.' })
  positiveNorm!: number | null;

  @Field(() => Float, { nullable: true, description: 'Euclidean norm of the mean of the negatives.' })
  negativeNorm!: number | null;

  @Field(() => Float, { nullable: true, description: 'Cosine between the two means.' })
  cosine!: number | null;

  @Field(() => Float, { nullable: true, description: 'Euclidean norm of the difference.' })
  norm!: number | null;

  /** The field `vector`, which takes an encoding. */
  difference!: Float64Array | null;
}

@ObjectType({ description: 'A number with its interval.', simpleResolvers: true })
export class SeparationEstimate {
  @Field(() => Float)
  value!: number;

  @Field(() => Float, { nullable: true })
  low!: number | null;

  @Field(() => Float, { nullable: true })
  high!: number | null;
}

@ObjectType({
  description:
    'How far two classes of activations lie apart at a layer; what is not defined for them is null.',
  simpleResolvers: true,
})
export class LayerSeparation extends OfClasses {
  @Field(() => Int, { description: 'Groups: activations of one prompt are in one.' })
  nGroups!: number;

  @Field(() => Int, { description: 'Folds in which both classes were judged.' })
  folds!: number;

  @Field(() => SeparationEstimate, {
    nullable: true,
    description:
      'Mean AUROC over folds of groups, each judged by the difference of the class means of the other folds; the interval is that of the cross-validated AUROC with groups as clusters.',
  })
  auroc!: SeparationEstimate | null;

  @Field(() => Float, {
    nullable: true,
    description:
      "Cohen's d of the same scores: the mean over folds of the difference of the class means, over the standard deviation within folds and classes.",
  })
  cohensD!: number | null;

  @Field(() => Float, {
    nullable: true,
    description:
      'tr(S_B) / tr(S_W): scatter between over scatter within the classes, in all dimensions. Times n - 2 it is the index of Calinski and Harabasz; without any difference about 1 / (n - 2).',
  })
  fisherRatio!: number | null;

  @Field(() => Float, {
    nullable: true,
    description:
      'Mean silhouette with squared Euclidean distances, -1 to 1: how much nearer an activation is to its own class than to the other.',
  })
  silhouette!: number | null;
}

@ObjectType({ simpleResolvers: true })
export class ActivationComponent {
  @Field(() => Float, { description: 'Variance of the scores (n - 1).' })
  explainedVariance!: number;

  @Field(() => Float, { description: 'Its share of the total variance.' })
  explainedVarianceRatio!: number;

  /** The field `vector`, which takes an encoding. */
  direction!: Float64Array;
}

@ObjectType({ description: 'An activation in the coordinates of the components.', simpleResolvers: true })
export class ActivationPoint extends ActivationIdentity {
  @Field(() => [Float], { description: 'One a component.' })
  scores!: readonly number[];
}

@ObjectType({ description: 'Principal components of the activations of a layer.', simpleResolvers: true })
export class LayerComponents extends OfLayer {
  @Field(() => Int, { description: 'Activations that they were computed from.' })
  n!: number;

  @Field(() => Float, { description: 'Sum of the variances of all coordinates (n - 1).' })
  totalVariance!: number;

  @Field(() => Float, {
    description:
      'How exact the components are: the greatest norm of (covariance . component - variance . component), over the greatest variance.',
  })
  residual!: number;

  @Field(() => [ActivationComponent], {
    description: 'By variance; fewer than asked for where the activations span fewer dimensions.',
  })
  components!: readonly ActivationComponent[];

  @Field(() => [ActivationPoint], {
    description: 'At most `points` of the activations, evenly spaced in the order of their identity.',
  })
  points!: readonly ActivationPoint[];
}
