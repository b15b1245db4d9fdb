import { Arg, Field, Float, ID, Int, ObjectType } from 'type-graphql';
import {
  ENTITIES,
  type Entity,
  type EntityField,
  type EntityName,
  type Relationship,
} from '../plan/entities.ts';
import { ComplianceItem } from './compliance-item.ts';
import { VectorEncoding } from './enums.ts';
import { IdentityCheck } from './identity-check.ts';
import { type ArgumentSpec, filterArgument, listArguments } from './inputs.ts';
import { defineField, namedClass } from './operators.ts';
import { BigIntScalar, DateScalar, DateTimeScalar, JsonScalar, VectorScalar } from './scalars.ts';

type Constructor = new () => object;

/** The GraphQL type of a column's field. Columns come from the table specifications, so the two cannot drift. */
const TYPES: Readonly<Record<EntityField['scalar'], () => unknown>> = {
  ID: () => ID,
  String: () => String,
  Int: () => Int,
  BigInt: () => BigIntScalar,
  Float: () => Float,
  Boolean: () => Boolean,
  JSON: () => JsonScalar,
  DateTime: () => DateTimeScalar,
  Date: () => DateScalar,
  Vector: () => VectorScalar,
  ComplianceItem: () => [ComplianceItem],
  IdentityCheck: () => [IdentityCheck],
  StringList: () => [String],
  BigIntList: () => [BigIntScalar],
  FloatList: () => [Float],
};

/** Rows are shaped by the planner, so the methods that carry arguments are never called. */
function planned(): never {
  throw new TypeError('a planned field has no resolver of its own');
}

function defineMethod(
  type: Constructor,
  name: string,
  returns: () => unknown,
  options: object,
  args: readonly ArgumentSpec[],
): void {
  const descriptor = { value: planned, writable: true, configurable: true };
  Object.defineProperty(type.prototype, name, descriptor);
  args.forEach((spec, i) => {
    const argumentType = spec.type as () => StringConstructor;
    Arg(spec.name, argumentType, spec.options as object)(type.prototype, name, i);
  });
  Field(returns as () => StringConstructor, options)(type.prototype, name, descriptor);
}

function defineRelationship(type: Constructor, name: string, relationship: Relationship): void {
  const { kind, target, doc, first } = relationship;
  const entity = ENTITIES[target];
  if (kind === 'one') {
    defineField(type, name, () => TYPES_BY_ENTITY[target], { nullable: true, description: doc });
  } else if (kind === 'count') {
    defineMethod(type, name, () => Int, { description: doc }, [filterArgument(entity)]);
  } else {
    defineMethod(
      type,
      name,
      () => [TYPES_BY_ENTITY[target]],
      { description: doc },
      listArguments(entity, first),
    );
  }
}

function entityType(entity: Entity): Constructor {
  const type = namedClass(entity.name);
  for (const { name, column, scalar } of entity.fields.values()) {
    const nullable = column.nullable !== false;
    const options = { nullable, description: column.doc };
    if (scalar === 'Vector') {
      defineMethod(type, name, TYPES[scalar], options, [
        { name: 'encoding', type: () => VectorEncoding, options: { defaultValue: VectorEncoding.LIST } },
      ]);
    } else {
      // A list of floats may hold NaN, which is null in JSON.
      const inner = scalar === 'FloatList' && nullable ? { ...options, nullable: 'itemsAndList' } : options;
      defineField(type, name, TYPES[scalar], inner);
    }
  }
  for (const [name, relationship] of entity.relationships) defineRelationship(type, name, relationship);
  ObjectType(entity.name, { description: entity.table.doc, simpleResolvers: true })(type);
  return type;
}

/** The object type of each entity. */
export const TYPES_BY_ENTITY: Readonly<Record<EntityName, Constructor>> = Object.fromEntries(
  Object.values(ENTITIES).map((entity) => [entity.name, entityType(entity)] as const),
) as Record<EntityName, Constructor>;
