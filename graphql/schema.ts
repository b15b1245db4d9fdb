import 'reflect-metadata';
import { type GraphQLFieldResolver, type GraphQLSchema, isObjectType } from 'graphql';
import { buildSchema } from 'type-graphql';
import type { RequestContext } from './context.ts';
import { describeRest } from './descriptions.ts';
import { ENTITIES } from './plan/entities.ts';
import {
  ActivationComponentResolver,
  ActivationGeometryResolver,
  LayerMeanDifferenceResolver,
} from './resolvers/activation-geometry.ts';
import { ActivationsResolver } from './resolvers/activations.ts';
import { CatalogResolver } from './resolvers/catalog.ts';
import { ChangesResolver } from './resolvers/changes.ts';
import { ChaosResolver } from './resolvers/chaos.ts';
import { CompareResolver } from './resolvers/compare.ts';
import { CostResolver } from './resolvers/cost.ts';
import { EntropyResolver } from './resolvers/entropy.ts';
import { ExportResolver } from './resolvers/export.ts';
import { FvResolver } from './resolvers/fv.ts';
import { IssueRemediesResolver } from './resolvers/issue-remedies.ts';
import { JobConnectionResolver, JobsResolver } from './resolvers/jobs.ts';
import { LakeResolver } from './resolvers/lake.ts';
import { MetricsResolver } from './resolvers/metrics.ts';
import { ModelsResolver } from './resolvers/models.ts';
import { RowsResolver } from './resolvers/rows.ts';
import { RunIngestedResolver } from './resolvers/run-ingested.ts';
import { ServerResolver } from './resolvers/server.ts';
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
  'IdentityCheck',
]);

const RESOLVERS = [
  RowsResolver,
  MetricsResolver,
  ActivationsResolver,
  ActivationGeometryResolver,
  ActivationComponentResolver,
  LayerMeanDifferenceResolver,
  CompareResolver,
  SqlResolver,
  ExportResolver,
  LakeResolver,
  CatalogResolver,
  IssueRemediesResolver,
  CostResolver,
  ChangesResolver,
  ChaosResolver,
  EntropyResolver,
  FvResolver,
  JobsResolver,
  JobConnectionResolver,
  ModelsResolver,
  RunIngestedResolver,
  ServerResolver,
] as const;

/** type-graphql wants one; our subscriptions have iterators of their own instead of topics. */
const NO_TOPICS = {
  publish: () => undefined,
  subscribe: (): never => {
    throw new TypeError('there are no topics');
  },
};

let built: Promise<GraphQLSchema> | undefined;

/** The executable schema. type-graphql keeps its metadata in a global registry, so it is built once a process. */
export function createSchema(): Promise<GraphQLSchema> {
  built ??= build();
  return built;
}

async function build(): Promise<GraphQLSchema> {
  const schema = await buildSchema({ resolvers: RESOLVERS, validate: false, pubSub: NO_TOPICS });
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || !PLANNED.has(type.name)) continue;
    for (const field of Object.values(type.getFields())) field.resolve = byResponseKey;
  }
  describeRest(schema);
  return schema;
}
