import type { SessionAccount } from '../accounting.ts';
import type { Backend } from '../protocol/backend.ts';
import type { Planner, SessionContext } from './planner.ts';
import type { Portals } from './portals.ts';
import { type SessionFacts, sessionFunction } from './session-functions.ts';
import type { Statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

/** What the statements of a session work with. */
export interface SessionParts {
  readonly planner: Planner;
  readonly backend: Backend;
  readonly facts: SessionFacts;
  /** Hands what was written to the socket, and waits until it has gone. */
  readonly flush: () => Promise<void>;
  /** Longest time of work of a statement, in milliseconds. */
  readonly statementTimeoutMs: number;
  /** What the session does is put to it. */
  readonly account: SessionAccount;
  readonly statements: Statements;
  readonly portals: Portals;
  readonly transaction: Transaction;
}

/** What of the session a statement may ask for. */
export function contextOf(facts: SessionFacts): SessionContext {
  return { sessionFunction: (name, args) => sessionFunction(facts, name, args) };
}
