import { type ErrorDetails, messageOf, RunlakeError } from '../../../lake/errors.ts';

/** The SQLSTATE codes this server gives (PostgreSQL manual, appendix A). */
export const SQLSTATE = {
  successful: '00000',
  protocolViolation: '08P01',
  featureNotSupported: '0A000',
  stringTooLong: '22001',
  numericOutOfRange: '22003',
  invalidParameter: '22023',
  untranslatableText: '22021',
  divisionByZero: '22012',
  invalidText: '22P02',
  invalidBinary: '22P03',
  activeTransaction: '25001',
  readOnlyTransaction: '25006',
  noActiveTransaction: '25P01',
  failedTransaction: '25P02',
  invalidStatementName: '26000',
  invalidAuthorization: '28000',
  invalidPassword: '28P01',
  invalidCursorName: '34000',
  invalidDatabase: '3D000',
  invalidSavepoint: '3B001',
  syntaxOrAccess: '42000',
  insufficientPrivilege: '42501',
  syntaxError: '42601',
  ambiguousColumn: '42702',
  undefinedColumn: '42703',
  undefinedObject: '42704',
  groupingError: '42803',
  datatypeMismatch: '42804',
  undefinedFunction: '42883',
  undefinedTable: '42P01',
  undefinedParameter: '42P02',
  duplicateCursor: '42P03',
  duplicateStatement: '42P05',
  outOfMemory: '53200',
  tooManyConnections: '53300',
  configurationLimit: '53400',
  limitExceeded: '54000',
  notInState: '55000',
  queryCanceled: '57014',
  shutdown: '57P01',
  idleSessionTimeout: '57P05',
  ioError: '58030',
  snapshotTooOld: '72000',
  internal: 'XX000',
} as const;

/** An error that a Postgres client gets with this SQLSTATE. */
export class WireError extends RunlakeError {
  readonly code = 'WIRE_ERROR';
  readonly sqlstate: string;
  constructor(condition: keyof typeof SQLSTATE, message: string, details: ErrorDetails = {}) {
    super(message, details);
    this.sqlstate = SQLSTATE[condition];
  }
}

/** What an ErrorResponse tells. */
export interface ErrorReport {
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
}

/** Any thrown thing as Postgres would report it. */
export function reportOf(error: unknown): ErrorReport {
  if (!(error instanceof RunlakeError)) return { sqlstate: SQLSTATE.internal, message: messageOf(error) };
  return {
    sqlstate: error instanceof WireError ? error.sqlstate : SQLSTATE[conditionOf(error)],
    message: error.message,
    ...(error.expected === undefined ? {} : { detail: `Expected ${error.expected}.` }),
    ...(error.remedy === undefined ? {} : { hint: error.remedy }),
  };
}

function conditionOf(error: RunlakeError): keyof typeof SQLSTATE {
  switch (error.code) {
    case 'QUERY_TIMEOUT':
    case 'CANCELLED':
      return 'queryCanceled';
    case 'QUERY_OUT_OF_MEMORY':
      return 'outOfMemory';
    case 'SQL_FORBIDDEN':
      return forbidden(error.message);
    case 'QUERY_TOO_LARGE':
      return 'limitExceeded';
    case 'TOO_MANY_STREAMS':
      return 'tooManyConnections';
    case 'INVALID_ARGUMENT':
      return 'invalidParameter';
    case 'VERSION_NOT_FOUND':
      return 'snapshotTooOld';
    case 'QUERY_FAILED':
      return MESSAGES.find(([pattern]) => pattern.test(error.message))?.[1] ?? 'internal';
    default:
      return 'internal';
  }
}

function forbidden(message: string): keyof typeof SQLSTATE {
  if (message.startsWith('only SELECT')) return 'readOnlyTransaction';
  if (message.startsWith('there is no table')) return 'undefinedTable';
  return /syntax error|Parser|^unterminated/i.test(message) ? 'syntaxError' : 'insufficientPrivilege';
}

/** DuckDB has no codes: what its messages begin with and say. The first that matches counts. */
const MESSAGES: readonly (readonly [RegExp, keyof typeof SQLSTATE])[] = [
  [/^Parser Error/, 'syntaxError'],
  [/^Catalog Error: Table .* does not exist/, 'undefinedTable'],
  [/^Catalog Error: .*Function .* does not exist/, 'undefinedFunction'],
  [/^Catalog Error: Type .* does not exist/, 'undefinedObject'],
  [/^Binder Error: No function matches/, 'undefinedFunction'],
  [/^Binder Error: Ambiguous reference/, 'ambiguousColumn'],
  [
    /^Binder Error: (Referenced (table|column)|Table .* does not have a column|Values list .* does not have)/,
    'undefinedColumn',
  ],
  [/^Binder Error: .*(GROUP BY|aggregate)/, 'groupingError'],
  [/^Binder Error: .*(Cannot (mix|compare|combine)|type mismatch|explicit type cast)/i, 'datatypeMismatch'],
  [/^Conversion Error: .*(out of range|overflow)/i, 'numericOutOfRange'],
  [/^Conversion Error/, 'invalidText'],
  [/^Out of Range Error/, 'numericOutOfRange'],
  [/^Invalid Input Error/, 'invalidParameter'],
  [/^Not implemented Error/i, 'featureNotSupported'],
  [/^Permission Error/, 'insufficientPrivilege'],
  [/^IO Error/, 'ioError'],
  [/^INTERRUPT/i, 'queryCanceled'],
  [/^(Binder|Catalog) Error/, 'syntaxOrAccess'],
];
