import { type GraphQLResolveInfo, getNamedType, GraphQLObjectType as ObjectType } from 'graphql';
import { getArgumentValues } from 'graphql/execution/values.js';
import type { AsOf, LakeSnapshot, QueryResult, Relation } from '../../lake/engine/types.ts';
import type { RequestContext } from '../context.ts';
import { BadCursorError, BadUserInputError, LimitExceededError } from '../errors.ts';
import type { Arguments } from './arguments.ts';
import { type CompileOptions, RowsBuilder, StatementBuilder } from './compile.ts';
import { compileConnection, shapeConnection } from './connection.ts';
import { type Cursor, decodeCursor, queryHash } from './cursor.ts';
import { columnOf, type Entity } from './entities.ts';
import type { Statement } from './ir.ts';
import type { FieldGroup } from './selection.ts';
import { compileShape } from './shape.ts';
import { type PrintedStatement, printStatement } from './sql.ts';

/** Coerces `asOf`. @throws BadUserInputError when it names more than one state */
export function asOfArgument(args: Arguments): AsOf | undefined {
  const value = args['asOf'];
  if (typeof value !== 'object' || value === null) return undefined;
  const given = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
  if (given.length === 0) return undefined;
  const [entry] = given;
  if (given.length > 1 || entry === undefined) {
    throw new BadUserInputError('asOf', 'names more than one state', {
      expected: 'one of snapshot, version and timestamp',
    });
  }
  const [kind, item] = entry;
  if (kind === 'timestamp') return { timestamp: new Date(String(item)) };
  return kind === 'version' ? { version: Number(item) } : { snapshot: String(item) };
}

export function compileOptions(context: RequestContext, info: GraphQLResolveInfo): CompileOptions {
  return {
    fragments: info.fragments,
    variableValues: info.variableValues,
    maxPageSize: context.limits.pageSize,
    maxConditions: context.limits.filterConditions,
    maxJoins: context.limits.joins,
  };
}

function groupOf(info: GraphQLResolveInfo): FieldGroup {
  const [first, ...rest] = info.fieldNodes;
  if (first === undefined) throw new TypeError('a field without nodes');
  return [first, ...rest];
}

function objectTypeOf(info: GraphQLResolveInfo): ObjectType {
  const type = getNamedType(info.returnType);
  if (!(type instanceof ObjectType)) throw new TypeError(`${info.fieldName} is not an object`);
  return type;
}

function argumentsOf(info: GraphQLResolveInfo): Arguments {
  const definition = info.parentType.getFields()[info.fieldName];
  const [node] = groupOf(info);
  return definition ? getArgumentValues(definition, node, info.variableValues) : {};
}

/** Milliseconds that the request has left. @throws LimitExceededError when none are */
export function remainingTime(context: RequestContext): number {
  const left = Math.floor(context.deadline - performance.now());
  if (left > 0) return left;
  const { time } = context.limits;
  throw new LimitExceededError('time', time, time - left, 'filter by run, select fewer columns or rows');
}

/** The relations of a statement's sources, in order. @throws LimitExceededError when they hold too many bytes */
export async function resolveSources(
  context: RequestContext,
  snapshot: LakeSnapshot,
  statement: Pick<Statement, 'sources'>,
): Promise<Relation[]> {
  const { signal } = context;
  const relations = await Promise.all(
    statement.sources.map(({ table, prune }) => context.reader.relation(snapshot, table, prune, { signal })),
  );
  const bytes = relations.reduce((sum, relation) => sum + relation.bytes, 0);
  if (bytes > context.limits.bytesRead) {
    throw new LimitExceededError(
      'bytesRead',
      context.limits.bytesRead,
      bytes,
      'filter by run, example or layer',
    );
  }
  return relations;
}

/** Runs one statement over a snapshot. */
export async function runStatement(
  context: RequestContext,
  snapshot: LakeSnapshot,
  statement: Statement,
): Promise<{ printed: PrintedStatement; result: QueryResult }> {
  const relations = await resolveSources(context, snapshot, statement);
  const printed = printStatement(
    statement,
    relations.map(({ sql }) => sql),
  );
  const started = performance.now();
  const result = await context.reader.query(printed.text, {
    params: printed.params,
    signal: context.signal,
    timeoutMs: remainingTime(context),
  });
  context.logger.debug(
    { sql: printed.text, rows: result.rows.length, ms: performance.now() - started },
    'statement',
  );
  return { printed, result };
}

async function snapshotFor(
  context: RequestContext,
  asOf: AsOf | undefined,
  after: Cursor | undefined,
): Promise<LakeSnapshot> {
  if (after === undefined) return context.snapshots.at(asOf);
  const snapshot = await context.snapshots.at({ snapshot: after.snapshot });
  if (asOf && (await context.snapshots.at(asOf)).token !== snapshot.token) {
    throw new BadCursorError('`after` belongs to another state of the lake than asOf');
  }
  return snapshot;
}

/** Resolves a connection field of Query with one statement. */
export async function resolveConnection(
  context: RequestContext,
  info: GraphQLResolveInfo,
  entity: Entity,
): Promise<Record<string, unknown>> {
  const args = argumentsOf(info);
  const hash = queryHash(info.fieldName, args);
  const text = args['after'];
  const after = typeof text === 'string' ? decodeCursor(text) : undefined;
  if (after && after.hash !== hash) throw new BadCursorError('`after` belongs to another filter or order');
  const plan = compileConnection(compileOptions(context, info), {
    entity,
    group: groupOf(info),
    type: objectTypeOf(info),
    args,
    ...(after && { after }),
  });
  const snapshot = await snapshotFor(context, asOfArgument(args), after);
  const { printed, result } = await runStatement(context, snapshot, plan.statement);
  return shapeConnection(plan, printed, result.rows, {
    path: [info.path.key],
    issues: context.issues,
    snapshot: snapshot.token,
    hash,
    ...(after && { after }),
  });
}

/** Resolves a field of Query that gives the one row whose column has the given value, or null. */
export async function resolveOne(
  context: RequestContext,
  info: GraphQLResolveInfo,
  entity: Entity,
  column: string,
  value: string,
): Promise<Record<string, unknown> | null> {
  const args = argumentsOf(info);
  const statement = new StatementBuilder(compileOptions(context, info));
  const rows = new RowsBuilder(statement, {
    entity,
    args: {},
    also: [{ kind: 'compare', column: columnOf(entity, column), op: 'eq', value: value.toWellFormed() }],
    limit: 1,
  });
  const fields = rows.select(groupOf(info), objectTypeOf(info));
  const built = rows.build();
  const snapshot = await context.snapshots.at(asOfArgument(args));
  const { printed, result } = await runStatement(context, snapshot, {
    rows: built,
    total: undefined,
    sources: statement.sources,
    nodes: rows.nodes,
  });
  const [row] = result.rows;
  return row === undefined
    ? null
    : compileShape(fields, printed.positions, context.issues)(row, [info.path.key]);
}
