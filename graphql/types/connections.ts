import { Field, Int, ObjectType } from 'type-graphql';
import { ENTITIES, type Entity, type EntityName } from '../plan/entities.ts';
import { TYPES_BY_ENTITY } from './entities.ts';
import { defineField, namedClass } from './operators.ts';

type Constructor = new () => object;

@ObjectType({ description: 'Where a page ends.', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether rows come after this page.' })
  hasNextPage!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Pass it as `after` for the next page, which reads the same state of the lake.',
  })
  endCursor!: string | null;
}

function connectionType(entity: Entity): Constructor {
  const node = TYPES_BY_ENTITY[entity.name];
  const edge = namedClass(`${entity.name}Edge`);
  defineField(edge, 'cursor', () => String, {});
  defineField(edge, 'node', () => node, {});
  ObjectType(`${entity.name}Edge`, {
    description: `A row of \`${entity.table.name}\` and its place in the order.`,
    simpleResolvers: true,
  })(edge);
  const connection = namedClass(`${entity.name}Connection`);
  defineField(connection, 'edges', () => [edge], {});
  defineField(connection, 'nodes', () => [node], {});
  defineField(connection, 'pageInfo', () => PageInfo, {});
  defineField(connection, 'totalCount', () => Int, {
    description: 'Rows that match, whatever the page; computed only when asked for.',
  });
  ObjectType(`${entity.name}Connection`, {
    description: `A page of rows of \`${entity.table.name}\`.`,
    simpleResolvers: true,
  })(connection);
  return connection;
}

export const CONNECTIONS: Readonly<Record<EntityName, Constructor>> = Object.fromEntries(
  Object.values(ENTITIES).map((entity) => [entity.name, connectionType(entity)] as const),
) as Record<EntityName, Constructor>;
