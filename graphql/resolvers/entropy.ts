import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Float, ID, Info, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { ENTITIES } from '../plan/entities.ts';
import { comparisonCondition } from '../plan/entropy.ts';
import { resolveOne } from '../plan/execute.ts';
import { TYPES_BY_ENTITY } from '../types/entities.ts';
import { AsOfInput } from '../types/inputs.ts';

@Resolver()
export class EntropyResolver {
  @Query(() => TYPES_BY_ENTITY.EntropyComparison, {
    nullable: true,
    description:
      'The true change of the entropy at one learning rate of a run beside what the derivatives predict, summed and a sequence each; null where the run has no such learning rate.',
  })
  entropyComparison(
    @Arg('runId', () => ID) runId: string,
    @Arg('eta', () => Float, { description: 'Learning rate, within rounding.' }) eta: number,
    @Arg('asOf', () => AsOfInput, { nullable: true }) _asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Record<string, unknown> | null> {
    return resolveOne(context, info, ENTITIES.EntropyComparison, comparisonCondition(runId, eta));
  }
}
