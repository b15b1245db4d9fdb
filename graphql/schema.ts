import 'reflect-metadata';
import { type GraphQLSchema, isObjectType } from 'graphql';
import { buildSchema, getMetadataStorage } from 'type-graphql';
import { describeRest } from './descriptions.ts';
import { byResponseKey } from './execution/complete.ts';
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
  const resolved = resolvedFields();
  for (const { name } of getMetadataStorage().objectTypes) {
    const type = schema.getType(name);
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (PLANNED.has(name)) field.resolve = byResponseKey;
      // type-graphql gives a property a resolver that does what graphql-js does without.
      else if (!resolved.has(`${name}.${field.name}`)) delete field.resolve;
    }
  }
  describeRest(schema);
  return schema;
}

/** `Type.field` of all fields of objects that have a resolver of their own. */
function resolvedFields(): ReadonlySet<string> {
  const { objectTypes, fieldResolvers } = getMetadataStorage();
  const names = new Map(objectTypes.map(({ target, name }) => [target, name]));
  return new Set(
    fieldResolvers.flatMap(({ getObjectType, schemaName }) => {
      const name = getObjectType && names.get(getObjectType() as (typeof objectTypes)[number]['target']);
      return name === undefined ? [] : [`${name}.${schemaName}`];
    }),
  );
}
