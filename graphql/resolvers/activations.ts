import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, Info, Int, Query, Resolver } from 'type-graphql';
import { PROBE_FILE } from '../../compute/tasks/probe/probe-document.ts';
import type { LakeSnapshot } from '../../lake/engine/types.ts';
import type { RequestContext } from '../context.ts';
import { BadCursorError, BadUserInputError, NotAvailableError } from '../errors.ts';
import {
  compileMeasure,
  cursorValues,
  MEASURE_FIELDS,
  type Measure,
  type MeasureField,
  measuredActivations,
} from '../plan/activation-measure.ts';
import type { ProbePlace } from '../plan/activation-probe.ts';
import { compileSourceUri, probeOf } from '../plan/activation-target.ts';
import type { Arguments } from '../plan/arguments.ts';
import { cursorKeys, decodeCursor, encodeCursor, queryHash } from '../plan/cursor.ts';
import { argumentsOf, asOfArgument, compileOptions, runPlanAt, snapshotFor } from '../plan/execute.ts';
import { ComparedActivations } from '../types/activation-choice.ts';
import {
  ActivationMeasure,
  ActivationTargetInput,
  MeasuredActivations,
} from '../types/activation-measure.ts';
import { SortDirection } from '../types/enums.ts';

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
    @Arg('after', () => String, { nullable: true, description: 'endCursor of the page before.' })
    _after: string | undefined,
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
  snapshot: LakeSnapshot,
  args: Arguments,
  { target }: MeasureField,
): Promise<{ readonly args: Arguments; readonly place?: ProbePlace }> {
  const named = probeOf(args[target]);
  if (named === undefined) return { args };
  const { runId, elsewhere } = named;
  if (context.probes === undefined) throw new NotAvailableError('this server reads no probes');
  const { rows } = await runPlanAt(context, snapshot, compileSourceUri(runId));
  const uri = rows[0]?.[0];
  const probe = typeof uri === 'string' ? await context.probes.read(uri, context) : undefined;
  if (probe === undefined) {
    throw new BadUserInputError(`${target}.probe.runId`, `${runId} has no probe`, {
      expected: `a run whose artifacts have ${PROBE_FILE}, still where they were ingested`,
      remedy: 'give the weights as vector',
    });
  }
  const { weights, ...place } = probe;
  return {
    args: { ...args, [target]: { vector: weights } },
    ...(!elsewhere && { place: { ...place, runId } }),
  };
}

async function measure(
  context: RequestContext,
  info: GraphQLResolveInfo,
  field: MeasureField,
): Promise<MeasuredActivations> {
  const given = argumentsOf(info);
  const hash = queryHash(info.fieldName, given);
  const after = typeof given['after'] === 'string' ? decodeCursor(given['after']) : undefined;
  if (after && after.hash !== hash) throw new BadCursorError('`after` belongs to other arguments');
  const snapshot = await snapshotFor(context, asOfArgument(given), after);
  const { args, place } = await withDirection(context, snapshot, given, field);
  const plan = compileMeasure(compileOptions(context.limits, info), args, field, { place, after });
  const { rows } = await runPlanAt(context, snapshot, plan);
  const { more, ...page } = measuredActivations(rows, args, field, { place });
  const last = page.rows.at(-1);
  return {
    ...page,
    endCursor:
      more && last && field.size === 'first'
        ? encodeCursor({ snapshot: snapshot.token, hash, keys: cursorKeys(cursorValues(last)), ties: 1 })
        : null,
  };
}
