import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, ID, Info, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { ENTITIES } from '../plan/entities.ts';
import { resolveConnection, resolveOne } from '../plan/execute.ts';
import { CONNECTIONS } from '../types/connections.ts';
import { TYPES_BY_ENTITY } from '../types/entities.ts';
import { AsOfInput, CONNECTION_ARGUMENTS } from '../types/inputs.ts';

type Connection = Promise<Record<string, unknown>>;

/** The root fields that give rows. Arguments are read by the planner, so the decorated parameters only declare them. */
@Resolver()
export class RowsResolver {
  @Query(() => CONNECTIONS.Run, { description: 'Runs of every family.' })
  runs(
    @Args(() => CONNECTION_ARGUMENTS.Run) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.Run);
  }

  @Query(() => TYPES_BY_ENTITY.Run, { nullable: true, description: 'One run.' })
  run(
    @Arg('id', () => ID) id: string,
    @Arg('asOf', () => AsOfInput, { nullable: true }) _asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Record<string, unknown> | null> {
    return resolveOne(context, info, ENTITIES.Run, id);
  }

  @Query(() => CONNECTIONS.Generation, { description: 'Prompts and responses.' })
  generations(
    @Args(() => CONNECTION_ARGUMENTS.Generation) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.Generation);
  }

  @Query(() => CONNECTIONS.Prediction, { description: 'Scored examples.' })
  predictions(
    @Args(() => CONNECTION_ARGUMENTS.Prediction) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.Prediction);
  }

  @Query(() => CONNECTIONS.Metric, { description: 'Numbers about runs.' })
  metrics(
    @Args(() => CONNECTION_ARGUMENTS.Metric) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.Metric);
  }

  @Query(() => CONNECTIONS.TrainMetric, { description: 'Training logs.' })
  trainMetrics(
    @Args(() => CONNECTION_ARGUMENTS.TrainMetric) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.TrainMetric);
  }

  @Query(() => CONNECTIONS.Activation, { description: 'Recorded vectors.' })
  activations(
    @Args(() => CONNECTION_ARGUMENTS.Activation) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.Activation);
  }

  @Query(() => CONNECTIONS.Issue, { description: 'What ingest found wrong or noteworthy.' })
  issues(
    @Args(() => CONNECTION_ARGUMENTS.Issue) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.Issue);
  }

  @Query(() => CONNECTIONS.ActivationStore, { description: 'Activation stores that runs refer to.' })
  stores(
    @Args(() => CONNECTION_ARGUMENTS.ActivationStore) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.ActivationStore);
  }

  @Query(() => CONNECTIONS.FvHead, { description: 'Scores of attention heads.' })
  fvHeads(
    @Args(() => CONNECTION_ARGUMENTS.FvHead) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.FvHead);
  }

  @Query(() => CONNECTIONS.FvTrial, { description: 'Trials of patched attention heads.' })
  fvTrials(
    @Args(() => CONNECTION_ARGUMENTS.FvTrial) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.FvTrial);
  }

  @Query(() => CONNECTIONS.FvVector, { description: 'Function vectors and mean head activations.' })
  fvVectors(
    @Args(() => CONNECTION_ARGUMENTS.FvVector) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.FvVector);
  }

  @Query(() => CONNECTIONS.FvInjection, { description: 'What function vectors do, layer by layer.' })
  fvInjections(
    @Args(() => CONNECTION_ARGUMENTS.FvInjection) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.FvInjection);
  }

  @Query(() => CONNECTIONS.FvInjectionTrial, {
    description: 'Examples of the injections of function vectors.',
  })
  fvInjectionTrials(
    @Args(() => CONNECTION_ARGUMENTS.FvInjectionTrial) _args: object,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Connection {
    return resolveConnection(context, info, ENTITIES.FvInjectionTrial);
  }
}
