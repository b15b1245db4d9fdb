import { QueryBytesError, QueryTimeoutError } from '../../lake/engine/errors.ts';
import type { StreamOptions } from '../../lake/engine/types.ts';
import { reportOf, WireError } from './protocol/sqlstate.ts';
import type { RowSource } from './session/rows.ts';

/** Who has a session. */
export interface WireClient {
  readonly user: string;
  /** Id of the token that was shown; undefined where none is needed. */
  readonly tokenId: string | undefined;
  readonly address: string | undefined;
  /** Names the session, also to its client (`pg_backend_pid()`). */
  readonly processId: number;
  /** Ends the session, with what it is told. */
  readonly terminate: (reason: string) => void;
}

/** A statement that runs. */
export interface StatementAccount {
  /** Bounds on what it may read, and who wants to know what it will. */
  readonly options: Pick<StreamOptions, 'maxBytes' | 'onSizes'>;
  /** The state of the lake that it reads, by its token. */
  snapshot(token: string): void;
  /** @param outcome `ok`, or the SQLSTATE of the error; called once */
  end(outcome: string, rows: number): void;
}

/** A session that is open. */
export interface SessionAccount {
  /** A statement begins. @throws RunlakeError when the client may have no more of them under way */
  statement(text: string): StatementAccount;
  /** Bytes went to the client. */
  sent(bytes: number): void;
  /** The session has ended; later calls do nothing. */
  close(): void;
}

/** What a server keeps account of at this door: who is in, what they ask, and what it costs. */
export interface WireAccounting {
  /** Somebody has logged in. @throws RunlakeError when they may have no more sessions */
  session(client: WireClient): SessionAccount;
  /** A client got an error, inside a session or before one. */
  failed(sqlstate: string): void;
}

/** A door that keeps no account. */
export const UNACCOUNTED: WireAccounting = {
  session: () => ({
    statement: () => ({ options: {}, snapshot() {}, end() {} }),
    sent() {},
    close() {},
  }),
  failed() {},
};

/** Runs a statement on an account, which it leaves with its last row, its error, or when it is closed. */
export async function accounted(
  session: SessionAccount,
  text: string,
  open: (account: StatementAccount) => Promise<RowSource>,
): Promise<RowSource> {
  const account = session.statement(text);
  let rows = 0;
  let ended = false;
  const end = (outcome: string): void => {
    if (ended) return;
    ended = true;
    account.end(outcome, rows);
  };
  const watched = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      const error = namedLimit(thrown);
      end(reportOf(error).sqlstate);
      throw error;
    }
  };
  const source = await watched(() => open(account));
  return {
    fields: source.fields,
    async next() {
      const batch = await watched(() => source.next());
      if (batch === undefined) end('ok');
      else rows += batch.count;
      return batch;
    },
    fetchAhead: () => source.fetchAhead?.(),
    async close() {
      try {
        await source.close();
      } finally {
        // A cursor that is closed before its end has given what was wanted of it.
        end('ok');
      }
    },
  };
}

/** Errors of limits, with the names that the limits have everywhere. */
function namedLimit(error: unknown): unknown {
  if (error instanceof QueryBytesError) {
    const { message, allowed, remedy } = error;
    return new WireError('limitExceeded', message, {
      expected: `at most ${allowed} bytes of data files (limit bytesRead)`,
      ...(remedy !== undefined && { remedy }),
    });
  }
  if (error instanceof QueryTimeoutError) {
    return new WireError('queryCanceled', `canceling statement due to statement timeout: ${error.message}`, {
      expected: 'an answer within statement_timeout, and within the limit time of the server',
      remedy: 'filter by run, select fewer columns or rows',
    });
  }
  return error;
}
