import {
  type SessionAccount,
  type StatementAccount,
  type WireAccounting,
  type WireClient,
} from '../bi/wire/accounting.ts';
import { WireError } from '../bi/wire/protocol/sqlstate.ts';
import type { LongLived } from '../graphql/access/long-lived.ts';
import { LimitExceededError } from '../graphql/errors.ts';
import type { ConcurrencyGate } from '../graphql/limits/concurrency.ts';
import { RequestCost } from '../graphql/observability/cost.ts';
import type { Metrics } from '../graphql/observability/metrics.ts';
import { statementId } from '../graphql/observability/statement-id.ts';
import { messageOf } from '../lake/errors.ts';
import type { TokenDirectory } from './auth/token-directory.ts';
import type { PostgresMetrics } from './metrics/postgres-metrics.ts';

interface Log {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
}

export interface PostgresAccountsOptions {
  readonly tokens: Pick<TokenDirectory, 'ensureAdmitted'>;
  readonly longLived: LongLived;
  readonly gate: ConcurrencyGate;
  /** Sessions of one token, or of one address without. */
  readonly sessionsOfClient: number;
  /** Bytes of data files that a statement may read. */
  readonly bytesRead: number;
  readonly metrics: { readonly server: Metrics; readonly postgres: PostgresMetrics } | undefined;
  readonly logger: Log;
}

/**
 * The account of the PostgreSQL door: its statements count with the queries of GraphQL, are logged like them, and its sessions
 * end when their token does.
 */
export function postgresAccounts(options: PostgresAccountsOptions): WireAccounting {
  const { tokens, longLived, sessionsOfClient, metrics, logger } = options;
  const sessions = new Map<string, number>();
  return {
    failed: (sqlstate) => metrics?.postgres.failed(sqlstate),
    session(client) {
      const { user, tokenId, address, processId, terminate } = client;
      const key = clientKey(client);
      const open = sessions.get(key) ?? 0;
      if (open >= sessionsOfClient) {
        throw new WireError('tooManyConnections', `too many connections for role "${user}"`, {
          expected: `at most ${sessionsOfClient} sessions of one token`,
          remedy: 'close those that are no longer needed, or use a pool',
        });
      }
      sessions.set(key, open + 1);
      metrics?.postgres.opened();
      const began = performance.now();
      logger.info({ session: processId, principal: user, ...(address && { address }) }, 'session begins');
      const forget = longLived.watch(
        () => tokens.ensureAdmitted(tokenId),
        (reason) => terminate(messageOf(reason)),
      );
      let closed = false;
      return {
        statement: (text) => new RunningStatementAccount(text, client, options),
        sent: (bytes) => metrics?.postgres.sent(bytes),
        close() {
          if (closed) return;
          closed = true;
          forget();
          const left = (sessions.get(key) ?? 1) - 1;
          if (left === 0) sessions.delete(key);
          else sessions.set(key, left);
          metrics?.postgres.closed();
          const ms = Math.round(performance.now() - began);
          logger.info({ session: processId, principal: user, ms }, 'session ends');
        },
      } satisfies SessionAccount;
    },
  };
}

/** Whom sessions and statements count for, as requests of HTTP do. */
function clientKey({ tokenId, address }: WireClient): string {
  return tokenId ?? address ?? '';
}

class RunningStatementAccount implements StatementAccount {
  readonly options: StatementAccount['options'];
  readonly #text: string;
  readonly #client: WireClient;
  readonly #accounts: PostgresAccountsOptions;
  readonly #cost = new RequestCost();
  readonly #began = performance.now();
  readonly #leave: () => void;
  #snapshot: string | undefined;

  /** @throws WireError when the client has as many statements under way as it may */
  constructor(text: string, client: WireClient, accounts: PostgresAccountsOptions) {
    this.#text = text;
    this.#client = client;
    this.#accounts = accounts;
    this.options = { maxBytes: accounts.bytesRead, onSizes: (sizes) => this.#cost.read(sizes) };
    this.#leave = enter(accounts.gate, clientKey(client));
    accounts.metrics?.postgres.began();
    accounts.logger.debug(
      { session: client.processId, statement: statementId(text), sql: text },
      'statement begins',
    );
  }

  snapshot(token: string): void {
    this.#snapshot = token;
  }

  end(outcome: string, rows: number): void {
    this.#leave();
    const { metrics, logger } = this.#accounts;
    const ms = performance.now() - this.#began;
    this.#cost.answered(rows);
    metrics?.postgres.ended(outcome, ms / 1000);
    metrics?.server.read('postgres', this.#cost);
    const { files, bytes } = this.#cost;
    logger.info(
      {
        session: this.#client.processId,
        principal: this.#client.user,
        statement: statementId(this.#text),
        outcome,
        ms: Math.round(ms),
        files,
        bytes,
        rows,
        ...(this.#snapshot !== undefined && { snapshot: this.#snapshot }),
      },
      'statement',
    );
  }
}

function enter(gate: ConcurrencyGate, client: string): () => void {
  try {
    return gate.enter(client);
  } catch (error) {
    if (!(error instanceof LimitExceededError)) throw error;
    const { message, expected, limit } = error;
    throw new WireError('configurationLimit', message, {
      expected: `${expected} (limit ${limit})`,
      remedy: 'read open results to their end, or close them, before the next statement',
    });
  }
}
