import { type GraphQLResolveInfo, getNamedType, GraphQLObjectType as ObjectType } from 'graphql';
import { getArgumentValues } from 'graphql/execution/values.js';
import type {
  AsOf,
  LakeSnapshot,
  QueryResult,
  Relation,
  RelationSize,
  SqlValue,
} from '../../lake/engine/types.ts';
import { inSpan } from '../../lake/telemetry.ts';
import type { RequestContext } from '../context.ts';
import { BadCursorError, BadUserInputError, LimitExceededError } from '../errors.ts';
import type { Limits } from '../limits/limits.ts';
import type { Arguments } from './arguments.ts';
import { type CompileOptions, RowsBuilder, StatementBuilder } from './compile.ts';
import { type ConnectionPlan, compileConnection, shapeConnection } from './connection.ts';
import { withoutConstantKeys } from './constant-keys.ts';
import { type Cursor, decodeCursor, queryHash } from './cursor.ts';
import { columnOf, type Entity } from './entities.ts';
import { inTime } from './in-time.ts';
import type { Condition, PrintedPlan, Shape, Source, Statement } from './ir.ts';
import { overLeadingRows } from './leading.ts';
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

/** What planning needs of a field; `GraphQLResolveInfo` has it. */
export type FieldInfo = Pick<
  GraphQLResolveInfo,
  'fieldName' | 'fieldNodes' | 'parentType' | 'returnType' | 'fragments' | 'variableValues'
>;

export function compileOptions(
  limits: Limits,
  info: Pick<FieldInfo, 'fragments' | 'variableValues'>,
): CompileOptions {
  return {
    fragments: info.fragments,
    variableValues: info.variableValues,
    maxPageSize: limits.pageSize,
    maxConditions: limits.filterConditions,
    maxJoins: limits.joins,
    maxInputDepth: limits.inputDepth,
  };
}

function groupOf(info: FieldInfo): FieldGroup {
  const [first, ...rest] = info.fieldNodes;
  if (first === undefined) throw new TypeError('a field without nodes');
  return [first, ...rest];
}

function objectTypeOf(info: FieldInfo): ObjectType {
  const type = getNamedType(info.returnType);
  if (!(type instanceof ObjectType)) throw new TypeError(`${info.fieldName} is not an object`);
  return type;
}

export function argumentsOf(info: FieldInfo): Arguments {
  const definition = info.parentType.getFields()[info.fieldName];
  const [node] = groupOf(info);
  return definition ? getArgumentValues(definition, node, info.variableValues) : {};
}

/** What the sources of a statement would read, without fetching where the reader can tell. */
export async function sizeSources(
  context: RequestContext,
  snapshot: LakeSnapshot,
  sources: readonly Source[],
): Promise<RelationSize[]> {
  const { reader, signal } = context;
  const size = reader.size?.bind(reader) ?? reader.relation.bind(reader);
  return Promise.all(sources.map(({ table, prune }) => size(snapshot, table, prune, { signal })));
}

/**
 * Gives `work` the relations of sources, in order, as text and with what is known of them, and lets go of their files afterwards.
 * @throws LimitExceededError when they hold too many bytes
 */
export async function withSources<T>(
  context: RequestContext,
  snapshot: LakeSnapshot,
  sources: readonly Source[],
  work: (relations: readonly string[], known: readonly Relation[]) => Promise<T>,
): Promise<T> {
  const { reader, signal } = context;
  const sizes = await sizeSources(context, snapshot, sources);
  checkBytes(context, sizes);
  context.cost.read(sizes);
  const relations = await Promise.all(
    sources.map(({ table, prune }) => reader.relation(snapshot, table, prune, { signal })),
  );
  try {
    return await work(
      relations.map(({ sql }) => sql),
      relations,
    );
  } finally {
    for (const relation of relations) relation.release?.();
  }
}

function checkBytes({ limits }: RequestContext, sizes: readonly RelationSize[]): void {
  const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
  if (bytes > limits.bytesRead) {
    throw new LimitExceededError('bytesRead', limits.bytesRead, bytes, 'filter by run, example or layer');
  }
}

/** Runs what was printed, within the time that the request has left. */
export async function runText(
  context: RequestContext,
  { text, params }: { readonly text: string; readonly params: readonly SqlValue[] },
): Promise<QueryResult> {
  const started = performance.now();
  const result = await inTime(context, (options) => context.reader.query(text, { ...options, params }));
  context.cost.answered(result.rows.length);
  const ms = performance.now() - started;
  context.logger.debug({ sql: text, rows: result.rows.length, ms }, 'statement');
  return result;
}

/** Runs the statement of a field of Query in the state of the lake that its `asOf` names. */
export async function runPlan(
  context: RequestContext,
  info: FieldInfo,
  plan: PrintedPlan,
): Promise<QueryResult> {
  return runPlanAt(context, await context.snapshots.at(asOfArgument(argumentsOf(info))), plan);
}

/** Runs a statement in a state of the lake. */
export async function runPlanAt(
  context: RequestContext,
  snapshot: LakeSnapshot,
  { sources, print }: PrintedPlan,
): Promise<QueryResult> {
  return withSources(context, snapshot, sources, (relations) => runText(context, print(relations)));
}

/** Bytes of files: some 40,000 runs. */
const SMALL_RELATION = 2e6;

/** Whether a page's relation, one of those that are known, holds little; rows that were found first are in none of them. */
function isSmall({ rows }: Statement, known: readonly Relation[]): boolean {
  const relation = rows && known[rows.source];
  return relation !== undefined && relation.bytes <= SMALL_RELATION;
}

async function runStatement(
  context: RequestContext,
  snapshot: LakeSnapshot,
  statement: Statement,
): Promise<{ printed: PrintedStatement; result: QueryResult }> {
  return withSources(context, snapshot, statement.sources, (relations, known) =>
    overLeadingRows(context, snapshot, { statement, relations }, async (narrow) => {
      const wanted = withoutConstantKeys(narrow.statement, known);
      const printed = printStatement(wanted, narrow.relations, isSmall(wanted, known));
      return { printed, result: await runText(context, printed) };
    }),
  );
}

/** The state that a page is read from: that of its cursor. @throws BadCursorError when `asOf` is another one */
export async function snapshotFor(
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

/** A connection field of Query, compiled. @throws BadUserInputError, BadCursorError, LimitExceededError */
export function planConnection(
  options: CompileOptions,
  info: FieldInfo,
  entity: Entity,
): { args: Arguments; hash: string; after: Cursor | undefined; plan: ConnectionPlan } {
  const args = argumentsOf(info);
  const hash = queryHash(info.fieldName, args);
  const text = args['after'];
  const after = typeof text === 'string' ? decodeCursor(text) : undefined;
  if (after && after.hash !== hash) throw new BadCursorError('`after` belongs to another filter or order');
  const plan = compileConnection(options, {
    entity,
    group: groupOf(info),
    type: objectTypeOf(info),
    args,
    ...(after && { after }),
  });
  return { args, hash, after, plan };
}

/** Resolves a connection field of Query with one statement. */
export async function resolveConnection(
  context: RequestContext,
  info: GraphQLResolveInfo,
  entity: Entity,
): Promise<Record<string, unknown>> {
  const { args, hash, after, plan } = inSpan('plan', { 'graphql.field.name': info.fieldName }, () =>
    planConnection(compileOptions(context.limits, info), info, entity),
  );
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

/** The row of an entity whose identity is `value`. */
export function isIdentifiedBy(entity: Entity, value: string): Condition {
  const column = columnOf(entity, entity.identity[0] ?? '');
  return { kind: 'compare', column, op: 'eq', value: value.toWellFormed() };
}

/** A field that gives the one row that meets a condition, compiled. */
export function planOne(
  options: CompileOptions,
  info: FieldInfo,
  entity: Entity,
  condition: Condition,
): { statement: Statement; fields: Shape } {
  const statement = new StatementBuilder(options);
  const rows = new RowsBuilder(statement, { entity, args: {}, also: [condition], limit: 1 });
  const fields = rows.select(groupOf(info), objectTypeOf(info));
  const built = rows.build();
  return {
    fields,
    statement: { rows: built, total: undefined, sources: statement.sources, nodes: rows.nodes },
  };
}

/** Resolves a field of Query that gives the one row that meets a condition, or null. */
export async function resolveOne(
  context: RequestContext,
  info: GraphQLResolveInfo,
  entity: Entity,
  condition: Condition,
): Promise<Record<string, unknown> | null> {
  const { statement, fields } = inSpan('plan', { 'graphql.field.name': info.fieldName }, () =>
    planOne(compileOptions(context.limits, info), info, entity, condition),
  );
  const snapshot = await context.snapshots.at(asOfArgument(argumentsOf(info)));
  const { printed, result } = await runStatement(context, snapshot, statement);
  const [row] = result.rows;
  return row === undefined
    ? null
    : compileShape(fields, printed.positions, context.issues)(row, [info.path.key]);
}
