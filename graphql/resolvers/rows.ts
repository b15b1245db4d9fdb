import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, ID, Info, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { ENTITIES, type Entity, ROOT_ENTITIES } from '../plan/entities.ts';
import { isIdentifiedBy, resolveConnection, resolveOne } from '../plan/execute.ts';
import { CONNECTIONS } from '../types/connections.ts';
import { TYPES_BY_ENTITY } from '../types/entities.ts';
import { AsOfInput, CONNECTION_ARGUMENTS } from '../types/inputs.ts';

/** The root fields that give rows. Arguments are read by the planner, so the decorated parameters only declare them. */
@Resolver()
export class RowsResolver {
  @Query(() => TYPES_BY_ENTITY.Run, { nullable: true, description: 'One run.' })
  run(
    @Arg('id', () => ID) id: string,
    @Arg('asOf', () => AsOfInput, { nullable: true }) _asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Record<string, unknown> | null> {
    return resolveOne(context, info, ENTITIES.Run, isIdentifiedBy(ENTITIES.Run, id));
  }
}

/** Gives the resolver a root field that is a connection of an entity. */
function defineConnection(field: string, entity: Entity): void {
  const { prototype } = RowsResolver;
  const descriptor = {
    value: (_args: object, context: RequestContext, info: GraphQLResolveInfo) =>
      resolveConnection(context, info, entity),
    writable: true,
    configurable: true,
  };
  Object.defineProperty(prototype, field, descriptor);
  Args(() => CONNECTION_ARGUMENTS[entity.name])(prototype, field, 0);
  Ctx()(prototype, field, 1);
  Info()(prototype, field, 2);
  Query(() => CONNECTIONS[entity.name], { description: entity.table.doc })(prototype, field, descriptor);
}

for (const [field, name] of ROOT_ENTITIES) defineConnection(field, ENTITIES[name]);
