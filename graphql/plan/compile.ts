import { type GraphQLObjectType, getNamedType, GraphQLObjectType as ObjectType } from 'graphql';
import { getArgumentValues } from 'graphql/execution/values.js';
import type { PruneCondition } from '../../lake/engine/types.ts';
import { LimitExceededError } from '../errors.ts';
import { type Arguments, activationArguments, orderKeys, pageSize } from './arguments.ts';
import { compileFilter, pruneOf } from './conditions.ts';
import { columnOf, ENTITIES, type Entity, type Relationship } from './entities.ts';
import type { Condition, OrderKey, Rows, Shape, ShapeField, Slot, Source } from './ir.ts';
import { type FieldGroup, type SelectionContext, selectedFields } from './selection.ts';

export interface CompileOptions extends SelectionContext {
  readonly maxPageSize: number;
  readonly maxConditions: number;
  readonly maxJoins: number;
  readonly maxInputDepth: number;
}

/** Rows a parent (or a page) when neither the query nor the relationship says. */
export const DEFAULT_PAGE = 50;

/** Collects what the nodes of one statement share: numbers and the tables they read. */
export class StatementBuilder {
  readonly options: CompileOptions;
  readonly sources: Source[] = [];
  #next = 0;
  #joins = 0;

  constructor(options: CompileOptions) {
    this.options = options;
  }

  id(): number {
    return this.#next++;
  }

  /** Counts a relationship that is followed. @throws LimitExceededError */
  join(): void {
    const { maxJoins } = this.options;
    if (++this.#joins > maxJoins) {
      throw new LimitExceededError(
        'joins',
        maxJoins,
        this.#joins,
        'split the query into several root fields',
      );
    }
  }

  /** The number of a relation; equal requests share one. */
  source(table: string, prune: readonly PruneCondition[]): number {
    const key = pruneKey(prune);
    const known = this.sources.findIndex(
      (source) => source.table === table && pruneKey(source.prune) === key,
    );
    return known >= 0 ? known : this.sources.push({ table, prune }) - 1;
  }

  /** A filter argument of rows of `entity` as a condition. */
  filter(entity: Entity, filter: unknown, path: string): Condition {
    return compileFilter(
      {
        entity,
        runEntity: ENTITIES.Run,
        runSource: (where) => this.source('runs', pruneOf(where)),
        maxConditions: this.options.maxConditions,
        maxDepth: this.options.maxInputDepth,
      },
      filter,
      path,
    );
  }
}

function pruneKey(prune: readonly PruneCondition[]): string {
  return JSON.stringify(prune, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** What a rows node is to be made of, before its children are known. */
export interface RowsRequest {
  readonly entity: Entity;
  readonly args: Arguments;
  readonly relationship?: Relationship;
  /** What is known of the parent's columns. */
  readonly parentKnown?: readonly PruneCondition[];
  /** Overrides the order that the arguments ask for. */
  readonly order?: readonly OrderKey[];
  /** Further condition, not part of the filter (a cursor, an id). */
  readonly also?: readonly Condition[];
  readonly limit?: number;
  readonly offset?: number;
}

/** A rows node under construction: selections add slots to it. */
export class RowsBuilder {
  readonly entity: Entity;
  readonly #statement: StatementBuilder;
  readonly #request: RowsRequest;
  readonly #where: Condition;
  readonly #known: PruneCondition[];
  readonly #layerFromTop: number | undefined;
  readonly #slots: Slot[] = [];
  readonly order: readonly OrderKey[];
  /** Nodes in the answer for each row: itself and what is nested. */
  nodes = 1;

  constructor(statement: StatementBuilder, request: RowsRequest) {
    const { entity, args, relationship, parentKnown = [], also = [] } = request;
    this.#statement = statement;
    this.#request = request;
    this.entity = entity;
    const activation = entity.name === 'Activation' ? activationArguments(entity, args) : { where: [] };
    this.#layerFromTop = activation.layerFromTop;
    const filter = statement.filter(entity, args['filter'], 'filter');
    this.#where = { kind: 'all', items: [filter, ...activation.where, ...also] };
    this.#known = [...inherited(relationship, parentKnown), ...pruneOf(this.#where)];
    this.order = request.order ?? unfixed(orderKeys(entity, args), this.#known, relationship);
  }

  /** The slot of a column; one column is read once. */
  column(name: string): number {
    const known = this.#slots.find((slot) => slot.kind === 'column' && slot.column.name === name);
    if (known) return known.id;
    const id = this.#statement.id();
    this.#slots.push({ kind: 'column', id, column: columnOf(this.entity, name) });
    return id;
  }

  /** Adds the selected fields of an object type that stands for these rows. */
  select(group: readonly [...FieldGroup], type: GraphQLObjectType): Shape {
    const shape: ShapeField[] = [];
    for (const [key, nodes] of selectedFields(this.#statement.options, group, type)) {
      const name = nodes[0].name.value;
      if (name === '__typename') {
        shape.push({ kind: 'typename', key, name: type.name });
        continue;
      }
      const definition = type.getFields()[name];
      if (definition === undefined) continue;
      const args = getArgumentValues(definition, nodes[0], this.#statement.options.variableValues);
      const target = getNamedType(definition.type);
      const relationship = this.entity.relationships.get(name);
      if (relationship) {
        shape.push(this.#relate(key, relationship, args, nodes, target));
        continue;
      }
      const field = this.entity.fields.get(name);
      if (field === undefined) throw new TypeError(`${type.name}.${name} has no column`);
      const slot = this.column(field.column.name);
      const base64 = args['encoding'] === 'BASE64';
      if (target instanceof ObjectType) {
        const properties = [...selectedFields(this.#statement.options, nodes, target)].map(
          ([itemKey, [node]]) => [itemKey, node.name.value] as const,
        );
        shape.push({ kind: 'value', key, slot, scalar: field.scalar, properties });
      } else {
        shape.push({ kind: 'value', key, slot, scalar: field.scalar, base64 });
      }
    }
    return shape;
  }

  #relate(
    key: string,
    relationship: Relationship,
    args: Arguments,
    nodes: FieldGroup,
    type: unknown,
  ): ShapeField {
    const { maxPageSize } = this.#statement.options;
    const entity = ENTITIES[relationship.target];
    this.#statement.join();
    const many = relationship.kind === 'list';
    const limit = many ? pageSize(args, relationship.first ?? DEFAULT_PAGE, maxPageSize) : 1;
    const child = new RowsBuilder(this.#statement, {
      entity,
      args,
      relationship,
      parentKnown: this.#known,
      ...(relationship.kind === 'count' ? {} : { limit }),
    });
    if (relationship.kind === 'count' || !(type instanceof ObjectType)) {
      const slot = this.#statement.id();
      this.#slots.push({ kind: 'count', id: slot, rows: child.build() });
      return { kind: 'value', key, slot, scalar: 'Int' };
    }
    const fields = child.select(nodes, type);
    this.nodes += limit * child.nodes;
    const kind = many ? 'list' : 'one';
    const slot = this.#statement.id();
    this.#slots.push({ kind, id: slot, rows: child.build() });
    return { kind, key, slot, fields };
  }

  build(): Rows {
    const { entity, relationship, limit, offset } = this.#request;
    const statement = this.#statement;
    const bridged = relationship?.through;
    return Object.freeze({
      id: statement.id(),
      entity,
      source: statement.source(entity.table.name, this.#known),
      ...(relationship && { relationship }),
      ...(bridged && { bridge: statement.source('run_stores', this.#bridgeKnown(bridged.from)) }),
      where: this.#where,
      ...(this.#layerFromTop !== undefined && { layerFromTop: this.#layerFromTop }),
      order: this.order,
      ...(limit !== undefined && { limit }),
      ...(offset !== undefined && { offset }),
      slots: Object.freeze(this.#slots),
    });
  }

  #bridgeKnown(from: string): PruneCondition[] {
    const own = this.#request.relationship?.on[0]?.[0];
    const known = (this.#request.parentKnown ?? []).filter(({ column }) => column === own);
    return known.map((condition) => ({ ...condition, column: from }));
  }
}

/** Order keys without those that have one value in all the rows that are ordered. */
function unfixed(
  keys: readonly OrderKey[],
  known: readonly PruneCondition[],
  relationship: Relationship | undefined,
): OrderKey[] {
  const fixed = new Set(known.filter((condition) => condition.in?.length === 1).map(({ column }) => column));
  // Nested rows are ordered for each parent, whose key they share.
  const shared = relationship?.through ? relationship.on.slice(1) : (relationship?.on ?? []);
  for (const [, target] of shared) fixed.add(target);
  return keys.filter(({ column }) => !fixed.has(column.name));
}

/** What is known of a child's columns because they equal the parent's. */
function inherited(
  relationship: Relationship | undefined,
  parentKnown: readonly PruneCondition[],
): PruneCondition[] {
  if (relationship === undefined) return [];
  const { through, on } = relationship;
  // Rows of a store have no run_id, but the lake knows which stores a run refers to.
  const pairs =
    through?.from === 'run_id' ? [['run_id', 'run_id'] as const, ...on.slice(1)] : through ? on.slice(1) : on;
  return pairs.flatMap(([own, target]) =>
    parentKnown.filter(({ column }) => column === own).map((condition) => ({ ...condition, column: target })),
  );
}
