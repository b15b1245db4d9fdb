import { RunlakeError } from '../errors.ts';

/** The statement ran longer than the caller allowed and was interrupted. */
export class QueryTimeoutError extends RunlakeError {
  readonly code = 'QUERY_TIMEOUT';
  constructor(timeoutMs: number) {
    super(`the query was stopped after ${timeoutMs} ms`, {
      expected: `an answer within ${timeoutMs} ms`,
      remedy: 'filter by run, select fewer columns, or raise the time limit',
    });
  }
}

/** DuckDB refused or failed the statement. */
export class QueryError extends RunlakeError {
  readonly code = 'QUERY_FAILED';
}

/** The files that the statement would read hold more bytes than the caller allowed; nothing was read. */
export class QueryBytesError extends RunlakeError {
  readonly code = 'QUERY_TOO_LARGE';
  readonly bytes: number;
  readonly allowed: number;
  constructor(bytes: number, allowed: number) {
    super(`the query would read files of ${bytes} bytes, the limit is ${allowed}`, {
      expected: `at most ${allowed} bytes of data files`,
      remedy:
        'compare run_id, example_id or layer with constants, so that files without such rows are left out',
    });
    this.bytes = bytes;
    this.allowed = allowed;
  }
}

/** The statement needed more memory than the engine may use. */
export class QueryMemoryError extends RunlakeError {
  readonly code = 'QUERY_OUT_OF_MEMORY';
}

/** Read-only SQL asked for something outside the views of the lake. */
export class SandboxError extends RunlakeError {
  readonly code = 'SQL_FORBIDDEN';
}

/** Too many statements have rows that are still to be read. */
export class TooManyStreamsError extends RunlakeError {
  readonly code = 'TOO_MANY_STREAMS';
  constructor(allowed: number) {
    super(`${allowed} statements are being streamed already`, {
      expected: `at most ${allowed} at the same time`,
      remedy: 'read the open results to their end, or close them, and try again',
    });
  }
}
