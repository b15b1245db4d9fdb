import { statementsOf } from '../../../lake/engine/lexer.ts';
import type { WireAccounting } from '../accounting.ts';
import type { Backend } from '../protocol/backend.ts';
import { decodeText, type FormatCode, type FrontendMessage } from '../protocol/frontend.ts';
import { reportOf, WireError } from '../protocol/sqlstate.ts';
import { boundValues, ensureFits } from './bind.ts';
import { Execution } from './execution.ts';
import type { SessionParts } from './parts.ts';
import { newPortal, Portals } from './portals.ts';
import { Preparation } from './preparation.ts';
import { fieldDescriptions, type ResultField } from './rows.ts';
import type { SessionFacts } from './session-functions.ts';
import type { Settings } from './settings.ts';
import { isCopy, isEnd, type Prepared, Statements } from './statements.ts';
import { Transaction } from './transaction.ts';

export interface SessionOptions extends Omit<SessionParts, 'statements' | 'portals' | 'transaction'> {
  readonly failed: WireAccounting['failed'];
}

/** One client's conversation: what each of its messages asks of the prepared statements, portals and transaction. */
export class Session {
  readonly #backend: Backend;
  readonly #facts: SessionFacts;
  readonly #flush: () => Promise<void>;
  readonly #failed: WireAccounting['failed'];
  readonly #statements = new Statements();
  readonly #portals = new Portals();
  readonly #transaction = new Transaction();
  readonly #preparation: Preparation;
  readonly #execution: Execution;
  /** After an error in the extended protocol everything up to Sync is skipped. */
  #skipping = false;

  constructor({ failed, ...options }: SessionOptions) {
    this.#backend = options.backend;
    this.#facts = options.facts;
    this.#flush = options.flush;
    this.#failed = failed;
    const parts = {
      ...options,
      statements: this.#statements,
      portals: this.#portals,
      transaction: this.#transaction,
    };
    this.#preparation = new Preparation(parts);
    this.#execution = new Execution(parts, this.#preparation);
  }

  get settings(): Settings {
    return this.#facts.settings;
  }

  /** Whether a transaction is open, in which the client keeps a snapshot. */
  get inTransaction(): boolean {
    return this.#transaction.isOpen;
  }

  /** Stops what runs at the moment. */
  cancel(): void {
    this.#execution.running.abort('the client asked for it');
  }

  async close(): Promise<void> {
    this.#execution.running.abort('the connection was closed');
    await this.#portals.close(() => true);
  }

  ready(): void {
    this.#backend.readyForQuery(this.#transaction.status);
  }

  /** Does what a message asks for; errors go to the client. */
  async handle(message: FrontendMessage): Promise<void> {
    if (message.kind === 'sync') {
      this.#skipping = false;
      await this.#execution.endImplicit();
      this.ready();
      await this.#flush();
      return;
    }
    if (message.kind === 'query') {
      // A simple query ends what an error in the extended protocol left behind, too.
      this.#skipping = false;
      await this.#simpleQuery(message.sql);
      return;
    }
    if (this.#skipping) return;
    try {
      this.#execution.running = new AbortController();
      await this.#extended(message);
    } catch (error) {
      this.#skipping = true;
      await this.#fail(error);
    }
  }

  async #fail(error: unknown): Promise<void> {
    const report = reportOf(error);
    this.#failed(report.sqlstate);
    this.#backend.errorResponse(report);
    this.#transaction.fail();
    await this.#portals.close(({ hold }) => !hold);
    await this.#flush();
  }

  async #simpleQuery(sql: Uint8Array): Promise<void> {
    try {
      const statements = statementsOf(decodeText(sql));
      if (statements.length === 0) this.#backend.emptyQueryResponse();
      for (const statement of statements) {
        this.#execution.running = new AbortController();
        const prepared = await this.#preparation.prepare(statement, []);
        const portal = newPortal(prepared, new Map(), [], this.#execution.running);
        try {
          if (prepared.fields !== undefined && !isCopy(prepared)) {
            this.#backend.rowDescription(
              fieldDescriptions(prepared.fields, this.#execution.formatsOf(portal)),
            );
          }
          await this.#execution.run(portal, 0);
        } finally {
          await portal.cursor?.close();
        }
      }
    } catch (error) {
      await this.#fail(error);
    }
    await this.#execution.endImplicit();
    this.ready();
    await this.#flush();
  }

  async #extended(message: FrontendMessage): Promise<void> {
    switch (message.kind) {
      case 'parse':
        return this.#parse(message.name, message.sql, message.parameterTypes);
      case 'bind':
        return this.#bind(message);
      case 'describe':
        return message.what === 'statement'
          ? this.#describeStatement(message.name)
          : this.#describePortal(message.name);
      case 'execute': {
        const portal = this.#portals.named(message.portal);
        this.#execution.running = portal.abort;
        await this.#execution.run(portal, message.maxRows);
        return;
      }
      case 'close':
        if (message.what === 'statement') this.#statements.close(message.name);
        else await this.#portals.close((_, name) => name === message.name);
        return this.#backend.closeComplete();
      case 'flush':
        return this.#flush();
      case 'copyData':
      case 'copyDone':
      case 'copyFail':
        // What is still on its way of a COPY that has ended is ignored, as PostgreSQL does.
        return;
      case 'functionCall':
        throw new WireError('featureNotSupported', 'the function call protocol is not supported');
      default:
        throw new WireError('protocolViolation', `unexpected message ${message.kind}`);
    }
  }

  async #parse(name: string, sql: Uint8Array, types: readonly number[]): Promise<void> {
    const statements = statementsOf(decodeText(sql));
    if (statements.length > 1) {
      throw new WireError('syntaxError', 'cannot insert multiple commands into a prepared statement');
    }
    const prepared = await this.#preparation.prepare(statements[0] ?? { text: '', tokens: [] }, types);
    this.#statements.keep(name, prepared);
    this.#backend.parseComplete();
  }

  async #bind(message: Extract<FrontendMessage, { kind: 'bind' }>): Promise<void> {
    const statement = this.#statements.named(message.statement);
    ensureFits(message, statement);
    this.#ensureUsable(statement);
    const values = boundValues(message, statement);
    await this.#portals.open(
      message.portal,
      newPortal(statement, values, message.resultFormats, new AbortController()),
    );
    this.#backend.bindComplete();
  }

  #describeStatement(name: string): void {
    const { parameterOids, ...statement } = this.#statements.named(name);
    this.#ensureUsable({ parameterOids, ...statement });
    this.#backend.parameterDescription(parameterOids);
    this.#describe(statement.fields, []);
  }

  #describePortal(name: string): void {
    const portal = this.#portals.named(name);
    this.#ensureUsable(portal.statement);
    this.#describe(
      isCopy(portal.statement) ? undefined : portal.statement.fields,
      this.#execution.formatsOf(portal),
    );
  }

  #describe(fields: readonly ResultField[] | undefined, formats: readonly FormatCode[]): void {
    if (fields === undefined) this.#backend.noData();
    else this.#backend.rowDescription(fieldDescriptions(fields, formats));
  }

  #ensureUsable(statement: Prepared): void {
    if (!isEnd(statement)) this.#transaction.ensureNotFailed();
  }
}
