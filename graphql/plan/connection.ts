import type { FieldNode, GraphQLObjectType } from 'graphql';
import { getNamedType, GraphQLObjectType as ObjectType } from 'graphql';
import type { EngineValue } from '../../lake/engine/types.ts';
import { BadCursorError } from '../errors.ts';
import type { ValueIssues } from '../value-issues.ts';
import { type Arguments, pageSize } from './arguments.ts';
import { type CompileOptions, DEFAULT_PAGE, RowsBuilder, StatementBuilder } from './compile.ts';
import { type Cursor, cursorKeys, encodeCursor, keyPositions } from './cursor.ts';
import type { Entity } from './entities.ts';
import type { Shape, Statement } from './ir.ts';
import { type FieldGroup, selectedFields } from './selection.ts';
import { compileShape } from './shape.ts';
import type { PrintedStatement } from './sql.ts';

type ConnectionField =
  | { readonly kind: 'typename'; readonly key: string; readonly name: string }
  | { readonly kind: 'total'; readonly key: string }
  | { readonly kind: 'nodes'; readonly key: string; readonly fields: Shape }
  | { readonly kind: 'edges'; readonly key: string; readonly items: readonly EdgeField[] }
  | { readonly kind: 'page'; readonly key: string; readonly items: readonly PageField[] };

type EdgeField =
  | { readonly kind: 'typename'; readonly key: string; readonly name: string }
  | { readonly kind: 'cursor'; readonly key: string }
  | { readonly kind: 'node'; readonly key: string; readonly fields: Shape };

interface PageField {
  readonly kind: 'typename' | 'hasNextPage' | 'endCursor';
  readonly key: string;
}

/** The plan of one connection field: the statement, and how the answer is made of its rows. */
export interface ConnectionPlan {
  readonly statement: Statement;
  readonly first: number;
  readonly fields: readonly ConnectionField[];
  /** Slots of the order keys, when a cursor is wanted. */
  readonly keySlots: readonly number[] | undefined;
}

export interface ConnectionRequest {
  readonly entity: Entity;
  /** The field's nodes, its object type, and its coerced arguments. */
  readonly group: FieldGroup;
  readonly type: GraphQLObjectType;
  readonly args: Arguments;
  readonly after?: Cursor;
}

/** Compiles a selection on a connection into one statement. @throws BadUserInputError, BadCursorError, LimitExceededError */
export function compileConnection(options: CompileOptions, request: ConnectionRequest): ConnectionPlan {
  const { entity, args, after } = request;
  const first = pageSize(args, DEFAULT_PAGE, options.maxPageSize);
  const statement = new StatementBuilder(options);
  // A cursor's position is a condition on the order, which depends on what the filter fixes.
  const { order } = new RowsBuilder(statement, { entity, args });
  const rows = new RowsBuilder(statement, {
    entity,
    args,
    order,
    limit: first + 1,
    ...(after && { also: [{ kind: 'from', keys: keyPositions(order, after.keys) }], offset: after.ties }),
  });
  const { fields, wantsCursor, wantsRows, wantsTotal } = compileFields(options, request, rows);
  const keySlots = wantsCursor ? order.map(({ column }) => rows.column(column.name)) : undefined;
  const built = wantsRows ? rows.build() : undefined;
  const total = wantsTotal ? totalOf(statement, request) : undefined;
  return {
    statement: {
      rows: built,
      total,
      pageIsOfTotal: after === undefined,
      sources: statement.sources,
      nodes: wantsRows ? first * rows.nodes : 1,
    },
    first,
    fields,
    keySlots,
  };
}

function totalOf(statement: StatementBuilder, { entity, args }: ConnectionRequest): Statement['total'] {
  // The same rows without the cursor's condition, read for nothing but their number.
  return new RowsBuilder(statement, { entity, args }).build();
}

interface ConnectionFields {
  readonly fields: ConnectionField[];
  readonly wantsCursor: boolean;
  readonly wantsRows: boolean;
  readonly wantsTotal: boolean;
}

function objectType(type: GraphQLObjectType, field: string): GraphQLObjectType {
  const named = getNamedType(type.getFields()[field]?.type);
  if (!(named instanceof ObjectType)) throw new TypeError(`${type.name}.${field} is not an object`);
  return named;
}

function nameOf([node]: readonly [FieldNode, ...FieldNode[]]): string {
  return node.name.value;
}

function compileFields(
  options: CompileOptions,
  { group, type }: ConnectionRequest,
  rows: RowsBuilder,
): ConnectionFields {
  const fields: ConnectionField[] = [];
  let wantsCursor = false;
  let wantsRows = false;
  let wantsTotal = false;
  for (const [key, nodes] of selectedFields(options, group, type)) {
    switch (nameOf(nodes)) {
      case '__typename':
        fields.push({ kind: 'typename', key, name: type.name });
        break;
      case 'totalCount':
        wantsTotal = true;
        fields.push({ kind: 'total', key });
        break;
      case 'nodes':
        wantsRows = true;
        fields.push({ kind: 'nodes', key, fields: rows.select(nodes, objectType(type, 'nodes')) });
        break;
      case 'edges': {
        wantsRows = true;
        const edge = objectType(type, 'edges');
        const items: EdgeField[] = [];
        for (const [itemKey, itemNodes] of selectedFields(options, nodes, edge)) {
          const name = nameOf(itemNodes);
          if (name === '__typename') items.push({ kind: 'typename', key: itemKey, name: edge.name });
          else if (name === 'cursor') items.push({ kind: 'cursor', key: itemKey });
          else
            items.push({
              kind: 'node',
              key: itemKey,
              fields: rows.select(itemNodes, objectType(edge, 'node')),
            });
        }
        wantsCursor ||= items.some(({ kind }) => kind === 'cursor');
        fields.push({ kind: 'edges', key, items });
        break;
      }
      case 'pageInfo': {
        const items = [...selectedFields(options, nodes, objectType(type, 'pageInfo'))].map(
          ([itemKey, [node]]): PageField => {
            const name = node.name.value;
            return { key: itemKey, kind: name === 'endCursor' || name === 'hasNextPage' ? name : 'typename' };
          },
        );
        wantsRows ||= items.some(({ kind }) => kind !== 'typename');
        wantsCursor ||= items.some(({ kind }) => kind === 'endCursor');
        fields.push({ kind: 'page', key, items });
        break;
      }
    }
  }
  return { fields, wantsCursor, wantsRows, wantsTotal };
}

type ResultRow = readonly EngineValue[];

/** Makes the response object of a connection, keyed by response keys, from the rows of its statement. */
export function shapeConnection(
  plan: ConnectionPlan,
  printed: PrintedStatement,
  rows: readonly ResultRow[],
  context: {
    readonly path: readonly (string | number)[];
    readonly issues: ValueIssues;
    readonly snapshot: string;
    readonly hash: string;
    readonly after?: Cursor;
  },
): Record<string, unknown> {
  const { presence, total, positions } = printed;
  const found = presence === undefined ? rows : rows.filter((row) => row[presence] === true);
  const page = found.slice(0, plan.first);
  const cursors = pageCursors(plan, printed, page, context);
  const result: Record<string, unknown> = {};
  for (const field of plan.fields) {
    const path = [...context.path, field.key];
    switch (field.kind) {
      case 'typename':
        result[field.key] = field.name;
        break;
      case 'total':
        result[field.key] = Number(total === undefined ? 0 : (rows[0]?.[total] ?? 0));
        break;
      case 'nodes': {
        const shape = compileShape(field.fields, positions, context.issues);
        result[field.key] = page.map((row, i) => shape(row, [...path, i]));
        break;
      }
      case 'edges': {
        const items = field.items.map((item) => ({
          item,
          shape: item.kind === 'node' ? compileShape(item.fields, positions, context.issues) : undefined,
        }));
        result[field.key] = page.map((row, i) => {
          const edge: Record<string, unknown> = {};
          for (const { item, shape } of items) {
            if (shape) edge[item.key] = shape(row, [...path, i, item.key]);
            else
              edge[item.key] =
                item.kind === 'cursor' ? cursors(i) : item.kind === 'typename' ? item.name : null;
          }
          return edge;
        });
        break;
      }
      case 'page':
        result[field.key] = Object.fromEntries(
          field.items.map(({ key, kind }) => {
            if (kind === 'typename') return [key, 'PageInfo'];
            if (kind === 'hasNextPage') return [key, found.length > plan.first];
            return [key, page.length === 0 ? null : cursors(page.length - 1)];
          }),
        );
        break;
    }
  }
  return result;
}

/** The cursor after each row of a page; ties count the rows before it with exactly the same order keys. */
function pageCursors(
  plan: ConnectionPlan,
  { positions }: PrintedStatement,
  page: readonly ResultRow[],
  { snapshot, hash, after }: { snapshot: string; hash: string; after?: Cursor },
): (row: number) => string {
  if (plan.keySlots === undefined) return () => '';
  const at = plan.keySlots.map((slot) => positions.get(slot) ?? 0);
  const keysOf = (row: number) => cursorKeys(at.map((index) => page[row]?.[index] ?? null));
  const before = after && JSON.stringify(after.keys);
  const texts: string[] = [];
  const textOf = (row: number): string | undefined => {
    if (row < 0) return before;
    texts[row] ??= JSON.stringify(keysOf(row));
    return texts[row];
  };
  const ties: number[] = [];
  const tiesAt = (row: number): number => {
    if (row < 0) return after?.ties ?? 0;
    ties[row] ??= textOf(row) === textOf(row - 1) ? tiesAt(row - 1) + 1 : 1;
    return ties[row];
  };
  return (row) => {
    if (row >= page.length) throw new BadCursorError('no such row');
    return encodeCursor({ snapshot, hash, keys: keysOf(row), ties: tiesAt(row) });
  };
}
