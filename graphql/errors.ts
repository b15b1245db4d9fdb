import { RunlakeError } from '../lake/errors.ts';

/** An argument of a query is not acceptable. `argument` is its path, e.g. `filter.and[0].seed.gt`. */
export class BadUserInputError extends RunlakeError {
  readonly code = 'BAD_USER_INPUT';
  readonly argument: string;
  constructor(argument: string, message: string, details: { expected?: string; remedy?: string } = {}) {
    super(`${argument}: ${message}`, details);
    this.argument = argument;
  }
}

/** `after` is not a cursor that this field returned for the same filter, order and state of the lake. */
export class BadCursorError extends RunlakeError {
  readonly code = 'BAD_CURSOR';
  constructor(message: string) {
    super(message, {
      expected: 'the endCursor (or a cursor) of a page with the same filter, orderBy and asOf',
      remedy: 'start again without `after`',
    });
  }
}

/** Below `/export` there is nothing of this name. */
export class ExportNotFoundError extends RunlakeError {
  readonly code = 'EXPORT_NOT_FOUND';
}

/** Names of the limits, as they appear in `extensions.limit`. */
export type LimitName =
  | 'documentBytes'
  | 'documentTokens'
  | 'brackets'
  | 'depth'
  | 'aliases'
  | 'rootFields'
  | 'fields'
  | 'joins'
  | 'pageSize'
  | 'nodes'
  | 'rows'
  | 'bytesRead'
  | 'filterConditions'
  | 'inputDepth'
  | 'concurrentQueries'
  | 'exportBytes'
  | 'exportTime'
  | 'time';

/** A query asks for more than the server allows; nothing of it was answered. */
export class LimitExceededError extends RunlakeError {
  readonly code = 'LIMIT_EXCEEDED';
  readonly limit: LimitName;
  readonly allowed: number;
  readonly asked: number;
  constructor(limit: LimitName, allowed: number, asked: number, remedy: string) {
    super(
      limit === 'time'
        ? `the query was stopped after ${allowed} ms`
        : `the query asks for ${asked} ${LIMIT_NOUNS[limit]}, the limit is ${allowed}`,
      {
        expected: `at most ${allowed} ${LIMIT_NOUNS[limit]}`,
        remedy,
      },
    );
    this.limit = limit;
    this.allowed = allowed;
    this.asked = asked;
  }
}

export const LIMIT_NOUNS: Readonly<Record<LimitName, string>> = {
  documentBytes: 'bytes of document',
  documentTokens: 'tokens of document',
  brackets: 'levels of brackets',
  depth: 'levels of nesting',
  aliases: 'aliases',
  rootFields: 'root fields',
  fields: 'fields (fragments spread)',
  joins: 'joins in one root field',
  pageSize: 'rows a page',
  nodes: 'nodes (the product of the page sizes)',
  rows: 'rows',
  bytesRead: 'bytes of data files',
  filterConditions: 'filter conditions',
  inputDepth: 'levels of nesting in an argument',
  concurrentQueries: 'queries at the same time',
  exportBytes: 'bytes of an export',
  exportTime: 'milliseconds of work for an export',
  time: 'milliseconds',
};

/** A request ran longer than it may. */
export function timeIsUp(allowed: number): LimitExceededError {
  return new LimitExceededError('time', allowed, allowed, 'filter by run, select fewer columns or rows');
}

/** What the client asked for is not configured on this server. */
export class NotAvailableError extends RunlakeError {
  readonly code = 'NOT_AVAILABLE';
}
