import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Info, Int, Query, Resolver } from 'type-graphql';
import { QueryBytesError } from '../../lake/engine/errors.ts';
import type { EngineValue, LakeSnapshot, QueryResult, RelationSize } from '../../lake/engine/types.ts';
import type { RequestContext } from '../context.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import { asOfArgument } from '../plan/execute.ts';
import { inTime } from '../plan/in-time.ts';
import { AsOfInput } from '../types/inputs.ts';
import { SqlResult } from '../types/sql-result.ts';
import type { ValueIssues } from '../value-issues.ts';
import { exactInteger } from '../values.ts';

@Resolver()
export class SqlResolver {
  @Query(() => SqlResult, {
    description: 'Runs one read-only statement over the tables and views of the lake, in a sandbox.',
  })
  async sql(
    @Arg('query', () => String) query: string,
    @Arg('maxRows', () => Int, { defaultValue: 1000 }) maxRows: number,
    @Arg('asOf', () => AsOfInput, { nullable: true }) asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<SqlResult> {
    if (maxRows < 0) throw new BadUserInputError('maxRows', 'is negative');
    if (maxRows > context.limits.rows) {
      throw new LimitExceededError(
        'rows',
        context.limits.rows,
        maxRows,
        'ask for fewer rows, or export the query',
      );
    }
    const snapshot = await context.snapshots.at(asOfArgument({ asOf }));
    const result = await sandboxed(context, snapshot, query.toWellFormed(), maxRows);
    return {
      columns: result.columns,
      rows: jsonRows(result, info.path.key, context.issues),
      rowCount: result.rows.length,
      truncated: result.truncated,
      snapshot: snapshot.token,
    };
  }
}

async function sandboxed(
  context: RequestContext,
  snapshot: LakeSnapshot,
  query: string,
  maxRows: number,
): Promise<QueryResult> {
  const { bytesRead: maxBytes } = context.limits;
  try {
    const onSizes = (sizes: readonly RelationSize[]): void => context.cost.read(sizes);
    const result = await inTime(context, (options) =>
      context.reader.sandboxedQuery(snapshot, query, {
        ...options,
        maxRows,
        maxBytes,
        onSizes,
        times: 'iso',
      }),
    );
    context.cost.answered(result.rows.length);
    return result;
  } catch (error) {
    if (!(error instanceof QueryBytesError)) throw error;
    throw new LimitExceededError('bytesRead', maxBytes, error.bytes, error.remedy ?? 'read less');
  }
}

const NOT_FINITE = 'JSON has no such number';

/** Rows as JSON values; what JSON lacks becomes null and is reported. */
function jsonRows({ rows }: QueryResult, key: string | number, issues: ValueIssues): unknown[][] {
  return rows.map((row, r) => row.map((value, c) => jsonValue(value, [key, 'rows', r, c], issues)));
}

function jsonValue(value: EngineValue, path: (string | number)[], issues: ValueIssues): unknown {
  if (typeof value === 'bigint') return exactInteger(value);
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    issues.add(path, String(value), NOT_FINITE);
    return null;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Float32Array || Array.isArray(value)) {
    return Array.from(value, (item: EngineValue, i) => jsonValue(item, [...path, i], issues));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, jsonValue(item, [...path, key], issues)]),
  );
}
