import { Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { LIMIT_NOUNS, type LimitName } from '../errors.ts';
import { ServerInfo } from '../types/server-info.ts';

@Resolver()
export class ServerResolver {
  @Query(() => ServerInfo, { description: 'Who asks, and the limits that hold for every request.' })
  server(@Ctx() { principal: { name, role }, limits }: RequestContext): ServerInfo {
    return {
      principal: { name, role },
      limits: (Object.keys(LIMIT_NOUNS) as LimitName[]).map((limit) => ({
        name: limit,
        allowed: limits[limit],
        unit: LIMIT_NOUNS[limit],
      })),
    };
  }
}
