import { ArgsType, Field, ID, Int, registerEnumType } from 'type-graphql';
import type { TokenPick } from '../plan/activation-choice.ts';
import { AsOfInput, FILTERS } from './inputs.ts';

/** GraphQL name -> what the planner calls it. */
export const ActivationToken = {
  FIRST: 'first',
  LAST: 'last',
} as const satisfies Record<string, TokenPick>;
registerEnumType(ActivationToken, {
  name: 'ActivationToken',
  description: 'One of the tokens that are stored of the prompt or the response of an entry.',
});

/** Which activations a field is about. */
@ArgsType()
export class ChosenActivations {
  @Field(() => FILTERS.Activation, { nullable: true })
  filter?: object;

  @Field(() => String, { nullable: true, description: 'Only this site, e.g. resid_post.' })
  site?: string;

  @Field(() => String, { nullable: true, description: 'Only `all`, `last` or `mean` rows.' })
  tokenSelector?: string;

  @Field(() => ActivationToken, {
    nullable: true,
    description: 'Only the first or the last of the tokens that are stored of each prompt or response.',
  })
  token?: TokenPick;

  @Field(() => [ID], {
    nullable: true,
    description: 'Only activations of the stores of these runs; their generations give the labels.',
  })
  runIds?: string[];

  @Field(() => AsOfInput, { nullable: true })
  asOf?: AsOfInput;
}

/** Which activations are compared with a vector. */
@ArgsType()
export class ComparedActivations extends ChosenActivations {
  @Field(() => Boolean, { nullable: true, description: 'Only activations with this label in `runIds`.' })
  halu?: boolean;
}

/** Activations that are taken together, layer by layer. */
@ArgsType()
export class ActivationLayers extends ChosenActivations {
  @Field(() => [Int], { nullable: true, description: 'Only these layers; all by default.' })
  layers?: number[];
}

/** Activations of two classes. */
@ArgsType()
export class ClassedActivations extends ActivationLayers {
  @Field(() => FILTERS.Activation, {
    nullable: true,
    description: 'The positives; with `negative`, instead of the label `halu` of `runIds`.',
  })
  positive?: object;

  @Field(() => FILTERS.Activation, { nullable: true, description: 'The negatives.' })
  negative?: object;
}
