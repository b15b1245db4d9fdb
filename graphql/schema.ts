import 'reflect-metadata';
import { type GraphQLFieldResolver, type GraphQLSchema, isObjectType } from 'graphql';
import { buildSchema } from 'type-graphql';
import type { RequestContext } from './context.ts';
import { ENTITIES } from './plan/entities.ts';
import { ChangesResolver } from './resolvers/changes.ts';
import { CostResolver } from './resolvers/cost.ts';
import { LakeResolver } from './resolvers/lake.ts';
import { MetricsResolver } from './resolvers/metrics.ts';
import { RowsResolver } from './resolvers/rows.ts';
import { SqlResolver } from './resolvers/sql.ts';

/** Planned objects are keyed by response key, because one field may be selected twice with different arguments. */
const byResponseKey: GraphQLFieldResolver<Record<string, unknown>, RequestContext> = (
  source,
  _args,
  _context,
  info,
) => source[info.path.key];

/** Object types whose values the planner makes. */
const PLANNED = new Set([
  ...Object.keys(ENTITIES).flatMap((name) => [name, `${name}Connection`, `${name}Edge`]),
  'PageInfo',
  'ComplianceItem',
]);

const RESOLVERS = [
  RowsResolver,
  MetricsResolver,
  SqlResolver,
  LakeResolver,
  CostResolver,
  ChangesResolver,
] as const;

let built: Promise<GraphQLSchema> | undefined;

/** The executable schema. type-graphql keeps its metadata in a global registry, so it is built once a process. */
export function createSchema(): Promise<GraphQLSchema> {
  built ??= build();
  return built;
}

async function build(): Promise<GraphQLSchema> {
  const schema = await buildSchema({ resolvers: RESOLVERS, validate: false });
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || !PLANNED.has(type.name)) continue;
    for (const field of Object.values(type.getFields())) field.resolve = byResponseKey;
  }
  return schema;
}
