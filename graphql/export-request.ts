import {
  coerceInputValue,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  parseValue,
  valueFromASTUntyped,
} from 'graphql';
import { messageOf } from '../lake/errors.ts';
import { BadUserInputError } from './errors.ts';
import type { Limits } from './limits/limits.ts';
import type { Arguments } from './plan/arguments.ts';
import { compileOptions } from './plan/execute.ts';
import { compileExport, type ExportedRelation, type ExportedStatement } from './plan/export.ts';

/** What somebody wants to export: SQL, or rows without it. */
export interface ExportAsked {
  readonly sql?: string | null | undefined;
  /** A coerced `ExportRows`. */
  readonly rows?: Arguments | null | undefined;
}

/** The statement that gives what is asked for. @throws BadUserInputError, LimitExceededError */
export function exportedStatement(
  { sql, rows }: ExportAsked,
  limits: Limits,
  relations: readonly ExportedRelation[],
): ExportedStatement {
  const given = [sql ?? undefined, rows ?? undefined].filter((item) => item !== undefined);
  if (given.length !== 1) {
    throw new BadUserInputError('input', given.length === 0 ? 'asks for nothing' : 'asks for two things', {
      expected: '`sql`, one SELECT statement, or `rows`, of one table or view',
    });
  }
  if (typeof sql === 'string') return { sql: sql.toWellFormed(), params: [], prune: new Map() };
  const options = compileOptions(limits, { fragments: {}, variableValues: {} });
  return compileExport(options, rows ?? {}, relations);
}

/**
 * An `ExportRows` that comes as JSON, or as text of JSON or of a GraphQL value (`{runs: {filter: {seed: {eq: 0}}}}`).
 * @throws BadUserInputError with the path of what is wrong
 */
export function exportRows(schema: GraphQLSchema, given: unknown): Arguments {
  const type = schema.getType('ExportRows');
  if (!isInputObjectType(type)) throw new TypeError('the schema has no ExportRows');
  const value = coerced(type, typeof given === 'string' ? valueOfText(given) : given);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function coerced(type: GraphQLInputType, value: unknown): unknown {
  return coerceInputValue(value, type, (path, _, { message }) => {
    throw new BadUserInputError(['rows', ...path].join('.'), message);
  });
}

/** What a text of JSON or GraphQL means. @throws BadUserInputError */
export function valueOfText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return valueFromASTUntyped(parseValue(text, { maxTokens: 10_000 }));
    } catch (error) {
      throw new BadUserInputError('rows', messageOf(error), {
        expected: 'JSON, or a value as GraphQL writes it: {generations: {filter: {runId: {eq: "…"}}}}',
      });
    }
  }
}
