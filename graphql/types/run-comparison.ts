import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { FlipKind as FlipKindName } from '../../compute/compare/flips.ts';
import { BigIntScalar } from './scalars.ts';

export const FlipKind = {
  LOST: 'LOST',
  GAINED: 'GAINED',
  CHANGED: 'CHANGED',
} as const satisfies Record<FlipKindName, FlipKindName>;
registerEnumType(FlipKind, {
  name: 'FlipKind',
  description: 'What became of an example from run a to run b.',
  valuesConfig: {
    LOST: { description: 'Right in a, wrong in b.' },
    GAINED: { description: 'Wrong in a, right in b.' },
    CHANGED: { description: 'Another prediction: wrong in another way, or not judged in one of them.' },
  },
});

@ObjectType({ simpleResolvers: true })
export class ComparedRun {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  family!: string;

  @Field(() => String, { nullable: true })
  method!: string | null;

  @Field(() => String, { nullable: true })
  modelId!: string | null;

  @Field(() => String, { nullable: true })
  benchmark!: string | null;

  @Field(() => String, { nullable: true })
  split!: string | null;

  @Field(() => BigIntScalar, { nullable: true })
  seed!: number | string | null;

  @Field(() => String)
  status!: string;
}

@ObjectType({ description: 'What a run says of an example.', simpleResolvers: true })
export class ComparedPrediction {
  @Field(() => Float, { nullable: true, description: 'Higher means more likely a hallucination.' })
  scoreHalu!: number | null;

  @Field(() => Boolean, { nullable: true })
  labelHalu!: boolean | null;

  @Field(() => Boolean, { nullable: true })
  predHalu!: boolean | null;

  @Field(() => String, { nullable: true })
  predLabel!: string | null;

  @Field(() => String, { nullable: true })
  trueLabel!: string | null;

  @Field(() => String, { nullable: true })
  outcome!: string | null;

  @Field(() => Boolean, { nullable: true })
  correct!: boolean | null;
}

@ObjectType({ description: 'An example that two runs predict differently.', simpleResolvers: true })
export class RunFlip {
  @Field(() => FlipKind)
  kind!: FlipKindName;

  @Field(() => ID, { description: 'Of the prompt and the responses in `generations` of both runs.' })
  exampleId!: string;

  @Field(() => String, {
    nullable: true,
    description: '`family:…` (CHAOSBENCH), `filter:…` (LM_EVAL) or `layer:…` (FV).',
  })
  scope!: string | null;

  @Field(() => ComparedPrediction)
  a!: ComparedPrediction;

  @Field(() => ComparedPrediction)
  b!: ComparedPrediction;
}

@ObjectType({ description: 'Common examples by what became of them from a to b.', simpleResolvers: true })
export class FlipCounts {
  @Field(() => Int, { description: 'Right in a, wrong in b.' })
  lost!: number;

  @Field(() => Int, { description: 'Wrong in a, right in b.' })
  gained!: number;

  @Field(() => Int, { description: 'Another prediction that is neither lost nor gained.' })
  changed!: number;

  @Field(() => Int, { description: 'The same prediction.' })
  same!: number;

  @Field(() => Int, { description: 'Scored at most: a run has neither judged nor predicted them.' })
  incomparable!: number;
}

@ObjectType({
  description: 'A number with its interval; null where it is not defined.',
  simpleResolvers: true,
})
export class ComparisonEstimate {
  @Field(() => Float, { nullable: true })
  value!: number | null;

  @Field(() => Float, { nullable: true })
  low!: number | null;

  @Field(() => Float, { nullable: true })
  high!: number | null;

  @Field(() => Float, { description: 'Of the interval, two-sided.' })
  confidence!: number;

  @Field(() => String, { description: 'How the interval was made.' })
  interval!: string;
}

@ObjectType({ description: 'A test of no difference between two runs.', simpleResolvers: true })
export class ComparisonTest {
  @Field(() => String)
  method!: string;

  @Field(() => Float, { nullable: true })
  pValue!: number | null;

  @Field(() => Float, { nullable: true, description: 'Corrected for the number of scopes.' })
  adjustedPValue!: number | null;

  @Field(() => String, { nullable: true, description: 'How the p-value was corrected.' })
  correction!: string | null;
}

/** What says whether two runs differ. */
@ObjectType({ simpleResolvers: true })
abstract class Tested {
  @Field(() => ComparisonTest)
  test!: ComparisonTest;

  @Field(() => ComparisonTest, {
    nullable: true,
    description: 'With prompts, not examples, as what is independent; null when no two examples share one.',
  })
  clusteredTest!: ComparisonTest | null;
}

@ObjectType({
  description: 'How often two runs are right on the examples that both judge.',
  simpleResolvers: true,
})
export class PairedCorrectness extends Tested {
  @Field(() => String, { description: '`overall`, `family:…`, `filter:…` or `layer:…`.' })
  scope!: string;

  @Field(() => Int, { description: 'Common examples that are judged in both runs.' })
  n!: number;

  @Field(() => Int)
  bothRight!: number;

  @Field(() => Int)
  onlyARight!: number;

  @Field(() => Int)
  onlyBRight!: number;

  @Field(() => Int)
  neitherRight!: number;

  @Field(() => ComparisonEstimate)
  accuracyA!: ComparisonEstimate;

  @Field(() => ComparisonEstimate)
  accuracyB!: ComparisonEstimate;

  @Field(() => ComparisonEstimate, { description: 'accuracyB minus accuracyA.' })
  difference!: ComparisonEstimate;
}

@ObjectType({
  description: 'How well the scores of two runs rank the same examples by the same labels.',
  simpleResolvers: true,
})
export class PairedRanking extends Tested {
  @Field(() => Int, { description: 'Common examples with a score and a label in both runs.' })
  n!: number;

  @Field(() => Int, { description: 'Hallucinations among them.' })
  positives!: number;

  @Field(() => ComparisonEstimate)
  aurocA!: ComparisonEstimate;

  @Field(() => ComparisonEstimate)
  aurocB!: ComparisonEstimate;

  @Field(() => ComparisonEstimate, { description: 'aurocB minus aurocA.' })
  difference!: ComparisonEstimate;
}

@ObjectType({
  description:
    'Two runs of one family and benchmark on the examples that they share. Differences are b minus a.',
  simpleResolvers: true,
})
export class RunComparison {
  @Field(() => ComparedRun)
  a!: ComparedRun;

  @Field(() => ComparedRun)
  b!: ComparedRun;

  @Field(() => Int, {
    description: 'Examples (LM_EVAL: with a filter; FV: at a layer) that both runs predict once.',
  })
  common!: number;

  @Field(() => Int, { description: 'Predictions of examples that only a has.' })
  onlyInA!: number;

  @Field(() => Int, { description: 'Predictions of examples that only b has.' })
  onlyInB!: number;

  @Field(() => Int, {
    description: 'Examples of both that a run predicts more than once; in nothing else here.',
  })
  repeated!: number;

  @Field(() => Int, { description: 'Common examples whose labels are known in both runs and differ.' })
  labelsDiffer!: number;

  @Field(() => FlipCounts)
  counts!: FlipCounts;

  @Field(() => [RunFlip], { description: 'A page of the examples that differ, by example.' })
  flips!: readonly RunFlip[];

  @Field(() => String, {
    nullable: true,
    description: 'Pass it as `after` for the next flips; null after the last.',
  })
  endCursor!: string | null;

  @Field(() => PairedCorrectness, { nullable: true, description: 'Over all common examples.' })
  correctness!: PairedCorrectness | null;

  @Field(() => [PairedCorrectness], {
    description: 'A task family each (CHAOSBENCH), a filter each (LM_EVAL), a layer each (FV); else empty.',
  })
  scopes!: readonly PairedCorrectness[];

  @Field(() => PairedRanking, {
    nullable: true,
    description: 'Where the runs score examples; null when labels differ.',
  })
  ranking!: PairedRanking | null;

  @Field(() => [String], { description: 'Why something is null, leaves examples out or claims too much.' })
  notes!: readonly string[];
}
