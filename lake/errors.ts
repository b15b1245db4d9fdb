/** Where in an artifact something is wrong: a file, a 1-based line, an RFC 6901 JSON pointer; or where in a statement. */
export interface ErrorLocation {
  readonly file?: string;
  readonly line?: number;
  readonly pointer?: string;
  /** Characters (code points) from the start of the SQL. */
  readonly offset?: number;
}

export interface ErrorDetails {
  /** What a correct input or state would have been. */
  readonly expected?: string;
  readonly where?: ErrorLocation;
  /** What the reader of the message can do about it. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * Base of every error Runlake throws on purpose.
 * `code` is stable and machine readable (`SCREAMING_SNAKE_CASE`); it reaches GraphQL as `extensions.code`.
 */
export abstract class RunlakeError extends Error {
  abstract readonly code: string;
  readonly expected: string | undefined;
  readonly where: ErrorLocation | undefined;
  readonly remedy: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.expected = details.expected;
    this.where = details.where;
    this.remedy = details.remedy;
  }
}

/** The caller aborted the operation through its `AbortSignal`. Nothing half-done is visible. */
export class CancelledError extends RunlakeError {
  readonly code = 'CANCELLED';
  constructor(what: string, cause?: unknown) {
    super(`${what} was cancelled`, { cause });
  }
}

/** A caller broke a documented precondition. */
export class InvalidArgumentError extends RunlakeError {
  readonly code = 'INVALID_ARGUMENT';
}

/** Narrows an unknown caught value to a Node system error with the given code. */
export function hasErrno(error: unknown, code: string): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The message with where it was, what was expected and what can be done, in one line. */
export function explained(error: unknown): string {
  if (!(error instanceof RunlakeError)) return messageOf(error);
  const { file, line } = error.where ?? {};
  const place = [file, line].filter((part) => part !== undefined).join(':');
  return [
    place === '' ? error.message : `${error.message} (${place})`,
    ...(error.expected === undefined ? [] : [`expected ${error.expected}`]),
    ...(error.remedy === undefined ? [] : [error.remedy]),
  ].join('; ');
}
