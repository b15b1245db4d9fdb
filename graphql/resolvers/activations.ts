import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, ArgsType, Ctx, Field, ID, Info, Int, Query, Resolver } from 'type-graphql';
import { PROBE_FILE } from '../../compute/tasks/probe/probe-document.ts';
import type { RequestContext } from '../context.ts';
import { BadUserInputError, NotAvailableError } from '../errors.ts';
import {
  compileMeasure,
  MEASURE_FIELDS,
  type Measure,
  type MeasureField,
  measuredActivations,
} from '../plan/activation-measure.ts';
import { compileSourceUri, probeRunOf } from '../plan/activation-target.ts';
import type { Arguments } from '../plan/arguments.ts';
import { argumentsOf, compileOptions, runPlan } from '../plan/execute.ts';
import {
  ActivationMeasure,
  ActivationTargetInput,
  MeasuredActivations,
} from '../types/activation-measure.ts';
import { SortDirection } from '../types/enums.ts';
import { AsOfInput, FILTERS } from '../types/inputs.ts';

/** Which activations are compared. */
@ArgsType()
class ComparedActivations {
  @Field(() => FILTERS.Activation, { nullable: true })
  filter?: object;

  @Field(() => String, { nullable: true, description: 'Only this site, e.g. resid_post.' })
  site?: string;

  @Field(() => String, { nullable: true, description: 'Only `all`, `last` or `mean` rows.' })
  tokenSelector?: string;

  @Field(() => [ID], {
    nullable: true,
    description: 'Only activations of the stores of these runs; their generations give the labels.',
  })
  runIds?: string[];

  @Field(() => Boolean, { nullable: true, description: 'Only activations with this label in `runIds`.' })
  halu?: boolean;

  @Field(() => AsOfInput, { nullable: true })
  asOf?: AsOfInput;
}

/** Measures on activations, near the data: vectors stay in the lake. */
@Resolver()
export class ActivationsResolver {
  @Query(() => MeasuredActivations, {
    description:
      'Dot product or cosine of activations with an activation, a function vector, a probe or a given vector.',
  })
  projectActivations(
    @Arg('against', () => ActivationTargetInput) _against: ActivationTargetInput,
    @Args(() => ComparedActivations) _compared: ComparedActivations,
    @Arg('layer', () => Int, { nullable: true, description: 'Only this layer.' }) _layer: number | undefined,
    @Arg('measure', () => ActivationMeasure, { defaultValue: ActivationMeasure.DOT }) _measure: Measure,
    @Arg('first', () => Int, { defaultValue: 50, description: 'At most this many.' }) _first: number,
    @Arg('direction', () => SortDirection, {
      defaultValue: SortDirection.DESC,
      description: 'Whether the greatest or the least values come first.',
    })
    _direction: SortDirection,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<MeasuredActivations> {
    return measure(context, info, MEASURE_FIELDS.projectActivations);
  }

  @Query(() => MeasuredActivations, {
    description:
      'The activations of a layer that are nearest to a vector: every one is compared, so the answer is exact. An activation is no neighbour of itself.',
  })
  nearestActivations(
    @Arg('to', () => ActivationTargetInput) _to: ActivationTargetInput,
    @Args(() => ComparedActivations) _compared: ComparedActivations,
    @Arg('layer', () => Int) _layer: number,
    @Arg('measure', () => ActivationMeasure, { defaultValue: ActivationMeasure.COSINE }) _measure: Measure,
    @Arg('k', () => Int, { defaultValue: 10, description: 'At most this many.' }) _k: number,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<MeasuredActivations> {
    return measure(context, info, MEASURE_FIELDS.nearestActivations);
  }
}

/** The arguments, with the direction of a probe instead of its run. @throws BadUserInputError, NotAvailableError */
async function withDirection(
  context: RequestContext,
  info: GraphQLResolveInfo,
  { target }: MeasureField,
): Promise<Arguments> {
  const args = argumentsOf(info);
  const runId = probeRunOf(args[target]);
  if (runId === undefined) return args;
  if (context.probes === undefined) throw new NotAvailableError('this server reads no probes');
  const { rows } = await runPlan(context, info, compileSourceUri(runId));
  const uri = rows[0]?.[0];
  const probe = typeof uri === 'string' ? await context.probes.read(uri, context) : undefined;
  if (probe === undefined) {
    throw new BadUserInputError(`${target}.probe.runId`, `${runId} has no probe`, {
      expected: `a run whose artifacts have ${PROBE_FILE}, still where they were ingested`,
      remedy: 'give the weights as vector',
    });
  }
  return { ...args, [target]: { vector: probe.weights } };
}

async function measure(
  context: RequestContext,
  info: GraphQLResolveInfo,
  field: MeasureField,
): Promise<MeasuredActivations> {
  const args = await withDirection(context, info, field);
  const { rows } = await runPlan(
    context,
    info,
    compileMeasure(compileOptions(context.limits, info), args, field),
  );
  return measuredActivations(rows, args, field);
}
