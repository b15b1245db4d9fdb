import { type StatementText, statementsOf } from '../../../lake/engine/lexer.ts';
import type { LakeSnapshot } from '../../../lake/engine/types.ts';
import { pgType, pgTypeNamed } from '../../catalog/pg-types.ts';
import { accounted, type SessionAccount, type WireAccounting } from '../accounting.ts';
import type { Backend } from '../protocol/backend.ts';
import { decodeText, type FormatCode, type FrontendMessage } from '../protocol/frontend.ts';
import { reportOf, SQLSTATE, WireError } from '../protocol/sqlstate.ts';
import type { Command, CopyOptions } from '../sql/commands/command.ts';
import { commandOf } from '../sql/commands/commands.ts';
import { parameterNode } from '../types/parameters.ts';
import { boundValues, ensureFits, expressionsOf } from './bind.ts';
import { copyHead, copyRows, copyTail } from './copy.ts';
import type { ParameterNodes, ParsedQuery, Planner } from './planner.ts';
import { newPortal, type Portal, Portals } from './portals.ts';
import {
  dataRows,
  ensureSame,
  fieldDescriptions,
  type ResultField,
  RowCursor,
  type RowSource,
} from './rows.ts';
import { type SessionFacts, sessionFunction } from './session-functions.ts';
import { type Settings, shownSettings } from './settings.ts';
import { isCopy, isEnd, type Prepared, Statements } from './statements.ts';
import { Transaction } from './transaction.ts';

const MAX_STATEMENT_CHARACTERS = 1 << 18;

export interface SessionOptions {
  readonly planner: Planner;
  readonly backend: Backend;
  readonly facts: SessionFacts;
  /** Hands what was written to the socket, and waits until it has gone. */
  readonly flush: () => Promise<void>;
  /** Longest time of work of a statement, in milliseconds. */
  readonly statementTimeoutMs: number;
  /** What the session does is put to it. */
  readonly account: SessionAccount;
  readonly failed: WireAccounting['failed'];
}

/** One client's conversation: prepared statements, portals, transactions and settings. */
export class Session {
  readonly #planner: Planner;
  readonly #backend: Backend;
  readonly #facts: SessionFacts;
  readonly #flush: () => Promise<void>;
  readonly #statementTimeoutMs: number;
  readonly #account: SessionAccount;
  readonly #failed: WireAccounting['failed'];
  readonly #statements = new Statements();
  readonly #portals = new Portals();
  readonly #transaction = new Transaction();
  #snapshot: Promise<LakeSnapshot> | undefined;
  /** After an error in the extended protocol everything up to Sync is skipped. */
  #skipping = false;
  #running = new AbortController();

  constructor({ planner, backend, facts, flush, statementTimeoutMs, account, failed }: SessionOptions) {
    this.#planner = planner;
    this.#backend = backend;
    this.#facts = facts;
    this.#flush = flush;
    this.#statementTimeoutMs = statementTimeoutMs;
    this.#account = account;
    this.#failed = failed;
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
    this.#running.abort('the client asked for it');
  }

  async close(): Promise<void> {
    this.#running.abort('the connection was closed');
    await this.#portals.close(() => true);
  }

  ready(): void {
    this.#backend.readyForQuery(this.#transaction.status);
  }

  /** Does what a message asks for; errors go to the client. */
  async handle(message: FrontendMessage): Promise<void> {
    if (message.kind === 'sync') {
      this.#skipping = false;
      await this.#endImplicit();
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
      this.#running = new AbortController();
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
        this.#running = new AbortController();
        const prepared = await this.#prepare(statement, []);
        const portal = newPortal(prepared, new Map(), [], this.#running);
        try {
          if (prepared.fields !== undefined && !isCopy(prepared)) {
            this.#backend.rowDescription(fieldDescriptions(prepared.fields, this.#formatsOf(portal)));
          }
          await this.#run(portal, 0);
        } finally {
          await portal.cursor?.close();
        }
      }
    } catch (error) {
      await this.#fail(error);
    }
    await this.#endImplicit();
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
        this.#running = portal.abort;
        await this.#run(portal, message.maxRows);
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
    const prepared = await this.#prepare(statements[0] ?? { text: '', tokens: [] }, types);
    this.#statements.keep(name, prepared);
    this.#backend.parseComplete();
  }

  async #prepare(statement: StatementText, types: readonly number[]): Promise<Prepared> {
    if (statement.text === '') return { kind: 'empty', parameterOids: [], fields: undefined };
    if (statement.text.length > MAX_STATEMENT_CHARACTERS) {
      throw new WireError('limitExceeded', `a statement of ${statement.text.length} characters`, {
        expected: `at most ${MAX_STATEMENT_CHARACTERS}`,
        remedy: 'pass long lists as parameters',
      });
    }
    const command = this.#commandOf(statement);
    if (
      command === undefined ||
      (command.kind !== 'rollback' && command.kind !== 'commit' && command.kind !== 'rollbackTo')
    ) {
      this.#transaction.ensureNotFailed();
    }
    if (command === undefined) return { kind: 'query', ...(await this.#query(statement, types)) };
    if (command.kind === 'declare' || command.kind === 'copy') {
      const { query, parameterOids, fields } = await this.#query(command.query, types);
      return {
        kind: 'command',
        command,
        query,
        parameterOids,
        fields: command.kind === 'copy' ? fields : undefined,
      };
    }
    return { kind: 'command', command, query: undefined, parameterOids: [], fields: this.#fieldsOf(command) };
  }

  /** What of a statement is not a SELECT. `SHOW runs` is one: it describes a table, as in DuckDB, where no setting has that name. */
  #commandOf(statement: StatementText): Command | undefined {
    const command = commandOf(statement);
    const describes =
      command?.kind === 'show' &&
      this.settings.get(command.name) === undefined &&
      this.#planner.reads(command.name);
    return describes ? undefined : command;
  }

  async #query(
    { text, tokens }: StatementText,
    types: readonly number[],
  ): Promise<{ query: ParsedQuery; parameterOids: readonly number[]; fields: readonly ResultField[] }> {
    const query = await this.#planner.parse(text, tokens);
    const given = new Map(
      query.parameters.flatMap((n) => {
        const oid = types[n - 1] ?? 0;
        return oid === 0 ? [] : [[n, parameterNode(null, 0, oid)] as const];
      }),
    );
    const shape = await this.#planner.shape(query, given, this.#context);
    const count = Math.max(types.length, query.parameters.at(-1) ?? 0);
    const parameterOids = Array.from({ length: count }, (_, i) => {
      // What nothing tells is text, as PostgreSQL has it.
      return types[i] || (shape.parameters.get(i + 1) ?? pgType('text').oid);
    });
    return { query, parameterOids, fields: shape.fields };
  }

  /** What a command will answer with, if that is rows. */
  #fieldsOf(command: Command): readonly ResultField[] | undefined {
    switch (command.kind) {
      case 'show':
        return shownSettings(this.settings, command.name).fields;
      case 'fetch':
        return this.#portals.cursorNamed(command.name).source.fields;
      case 'execute':
        return this.#statements.named(command.name).fields;
      default:
        return undefined;
    }
  }

  get #context() {
    return {
      sessionFunction: (name: string, args: readonly (string | undefined)[]) =>
        sessionFunction(this.#facts, name, args),
    };
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
    this.#describe(isCopy(portal.statement) ? undefined : portal.statement.fields, this.#formatsOf(portal));
  }

  #describe(fields: readonly ResultField[] | undefined, formats: readonly FormatCode[]): void {
    if (fields === undefined) this.#backend.noData();
    else this.#backend.rowDescription(fieldDescriptions(fields, formats));
  }

  /** FETCH from a binary cursor is binary whatever the client asked for. */
  #formatsOf({ statement, formats }: Portal): readonly FormatCode[] {
    if (statement.kind === 'command' && statement.command.kind === 'fetch') {
      const cursor = this.#portals.find(statement.command.name);
      if (formats.length === 0 && cursor !== undefined) return cursor.formats;
    }
    return formats;
  }

  /** Runs a portal, or goes on with it, up to a number of rows (0 for all). */
  async #run(portal: Portal, maxRows: number): Promise<void> {
    const { statement } = portal;
    switch (statement.kind) {
      case 'empty':
        return this.#backend.emptyQueryResponse();
      case 'query':
        this.#transaction.ensureNotFailed();
        return this.#runQuery(portal, statement.query, maxRows, 'SELECT');
      case 'command':
        return this.#runCommand(portal, statement.command, statement.query, maxRows);
    }
  }

  async #runQuery(portal: Portal, query: ParsedQuery, maxRows: number, tag: string): Promise<void> {
    if (portal.cursor === undefined) {
      const source = await this.#open(query, portal.values, portal.abort.signal);
      portal.cursor = new RowCursor(source);
      ensureSame(portal.statement.fields ?? [], source.fields);
    }
    await this.#send(portal, portal.cursor, maxRows, tag);
  }

  async #send(portal: Portal, cursor: RowCursor, maxRows: number, tag: string): Promise<void> {
    const { out } = this.#backend;
    const writer = dataRows(this.#backend, cursor.source.fields, this.#formatsOf(portal));
    const { rows, ended } = await cursor.write(maxRows, writer, out, this.#flush);
    if (!ended) return this.#backend.portalSuspended();
    await cursor.close();
    portal.done = true;
    this.#backend.commandComplete(`${tag} ${rows}`);
  }

  #open(query: ParsedQuery, values: ParameterNodes, signal: AbortSignal): Promise<RowSource> {
    const asked = this.settings.milliseconds('statement_timeout');
    const timeoutMs = asked === 0 ? this.#statementTimeoutMs : Math.min(asked, this.#statementTimeoutMs);
    return accounted(this.#account, query.text, (account) => {
      const snapshot = async (): Promise<LakeSnapshot> => {
        const current = await this.#currentSnapshot(signal);
        account.snapshot(current.token);
        return current;
      };
      const options = { signal, timeoutMs, ...account.options };
      return this.#planner.open(query, values, this.#context, snapshot, options);
    });
  }

  /** One snapshot for a transaction, or for what stands between two Syncs. */
  #currentSnapshot(signal: AbortSignal): Promise<LakeSnapshot> {
    this.#snapshot ??= this.#planner.snapshot(signal).catch((error: unknown) => {
      this.#snapshot = undefined;
      throw error;
    });
    return this.#snapshot;
  }

  async #runCommand(
    portal: Portal,
    command: Command,
    query: ParsedQuery | undefined,
    maxRows: number,
  ): Promise<void> {
    const ends = command.kind === 'commit' || command.kind === 'rollback' || command.kind === 'rollbackTo';
    if (!ends) this.#transaction.ensureNotFailed();
    switch (command.kind) {
      case 'begin':
        return this.#begin(command.tag);
      case 'commit':
      case 'rollback':
        return this.#end(command.kind);
      case 'savepoint':
        this.#transaction.savepoint(command.name);
        return this.#backend.commandComplete('SAVEPOINT');
      case 'release':
        this.#transaction.toSavepoint(command.name, false);
        return this.#backend.commandComplete('RELEASE');
      case 'rollbackTo':
        this.#transaction.toSavepoint(command.name, true);
        return this.#backend.commandComplete('ROLLBACK');
      case 'set':
        return this.#set(command);
      case 'reset':
        this.#changeSettings(() => this.settings.reset(command.name));
        return this.#backend.commandComplete('RESET');
      case 'show':
        portal.cursor ??= new RowCursor(shownSettings(this.settings, command.name));
        return this.#sendCommand(portal, portal.cursor, maxRows, 'SHOW');
      case 'discard':
        return this.#discard(command.what);
      case 'deallocate':
        if (command.name === undefined) this.#statements.clear();
        else this.#statements.deallocate(command.name);
        return this.#backend.commandComplete(command.name === undefined ? 'DEALLOCATE ALL' : 'DEALLOCATE');
      case 'prepare': {
        const types = command.types.map((name) => pgTypeNamed(name)?.oid ?? 0);
        this.#statements.keep(command.name, await this.#prepare(command.query, types));
        return this.#backend.commandComplete('PREPARE');
      }
      case 'execute':
        return this.#executePrepared(portal, command.name, command.args, maxRows);
      case 'declare':
        if (query !== undefined) await this.#declare(command, query, portal.values);
        return this.#backend.commandComplete('DECLARE CURSOR');
      case 'fetch':
        return this.#fetch(portal, command.name, command.count, true);
      case 'move':
        return this.#fetch(portal, command.name, command.count, false);
      case 'closeCursor':
        if (command.name !== undefined) this.#portals.cursorNamed(command.name);
        await this.#portals.close(
          (_, name) => name !== '' && (command.name === undefined || name === command.name),
        );
        return this.#backend.commandComplete(
          command.name === undefined ? 'CLOSE CURSOR ALL' : 'CLOSE CURSOR',
        );
      case 'copy':
        if (query !== undefined) await this.#copy(portal, query, command.options);
        return;
      case 'nothing':
        return this.#backend.commandComplete(command.tag);
    }
  }

  /** Rows of a command whose tag does not count them. */
  async #sendCommand(portal: Portal, cursor: RowCursor, maxRows: number, tag: string): Promise<void> {
    const writer = dataRows(this.#backend, cursor.source.fields, portal.formats);
    const { ended } = await cursor.write(maxRows, writer, this.#backend.out, this.#flush);
    if (!ended) return this.#backend.portalSuspended();
    this.#backend.commandComplete(tag);
  }

  #begin(tag: string): void {
    if (!this.#transaction.isOpen) {
      this.#transaction.begin();
      this.settings.begin();
    } else this.#warn(SQLSTATE.activeTransaction, 'there is already a transaction in progress');
    this.#backend.commandComplete(tag);
  }

  async #end(kind: 'commit' | 'rollback'): Promise<void> {
    if (!this.#transaction.isOpen)
      this.#warn(SQLSTATE.noActiveTransaction, 'there is no transaction in progress');
    const committed = this.#transaction.end(kind);
    this.#snapshot = undefined;
    this.#changeSettings(() => this.settings.end(committed));
    await this.#portals.close(({ hold, statement }) => !(hold && committed) && !isEnd(statement));
    this.#backend.commandComplete(committed ? 'COMMIT' : 'ROLLBACK');
  }

  #set({ name, value, local }: Extract<Command, { kind: 'set' }>): void {
    if (local && !this.#transaction.isOpen) {
      this.#warn(SQLSTATE.noActiveTransaction, 'SET LOCAL can only be used in transaction blocks');
    } else {
      this.#changeSettings(() => {
        const warning =
          value === undefined ? this.settings.reset(name) : this.settings.set(name, value, local);
        if (typeof warning === 'string') this.#warn(SQLSTATE.featureNotSupported, warning);
      });
    }
    this.#backend.commandComplete('SET');
  }

  /** Changes settings, and tells the client about those that it is kept informed of. */
  #changeSettings(change: () => void): void {
    const before = new Map(this.settings.reported());
    change();
    for (const [name, value] of this.settings.reported()) {
      if (before.get(name) !== value) this.#backend.parameterStatus(name, value);
    }
  }

  async #discard(what: string): Promise<void> {
    if (what === 'ALL') {
      if (this.#transaction.isOpen)
        throw new WireError('activeTransaction', 'DISCARD ALL cannot run inside a transaction block');
      this.#statements.clear();
      await this.#portals.close(
        ({ statement }) => !(statement.kind === 'command' && statement.command.kind === 'discard'),
      );
      this.#changeSettings(() => this.settings.reset());
    }
    this.#backend.commandComplete(`DISCARD ${what}`);
  }

  async #executePrepared(
    portal: Portal,
    name: string,
    args: StatementText | undefined,
    maxRows: number,
  ): Promise<void> {
    const statement = this.#statements.named(name);
    if (statement.kind !== 'query') {
      if (statement.kind === 'command')
        return this.#runCommand(portal, statement.command, statement.query, maxRows);
      return this.#backend.emptyQueryResponse();
    }
    const values = args === undefined ? [] : await expressionsOf(this.#planner, args);
    if (values.length !== statement.parameterOids.length) {
      throw new WireError('syntaxError', `wrong number of parameters for prepared statement "${name}"`, {
        expected: `${statement.parameterOids.length} parameters`,
      });
    }
    const bound = new Map(values.map((node, i) => [i + 1, node] as const));
    portal.cursor ??= new RowCursor(await this.#open(statement.query, bound, portal.abort.signal));
    await this.#send(portal, portal.cursor, maxRows, 'SELECT');
  }

  async #declare(
    { name, binary, hold }: Extract<Command, { kind: 'declare' }>,
    query: ParsedQuery,
    values: ParameterNodes,
  ): Promise<void> {
    if (!hold) this.#transaction.ensureOpen('DECLARE CURSOR');
    const abort = new AbortController();
    const cursor = new RowCursor(await this.#open(query, values, abort.signal));
    const statement: Prepared = { kind: 'query', query, parameterOids: [], fields: cursor.source.fields };
    try {
      const portal = newPortal(statement, values, binary ? [1] : [], abort, hold);
      portal.cursor = cursor;
      await this.#portals.open(name, portal);
    } catch (error) {
      await cursor.close();
      throw error;
    }
  }

  /** FETCH and MOVE: the rows that a cursor has next. */
  async #fetch(portal: Portal, name: string, count: number, send: boolean): Promise<void> {
    const cursor = this.#portals.cursorNamed(name);
    this.#running = this.#portals.find(name)?.abort ?? this.#running;
    const writer = send
      ? dataRows(this.#backend, cursor.source.fields, this.#formatsOf(portal))
      : () => () => undefined;
    const { rows } = await cursor.write(count, writer, this.#backend.out, this.#flush);
    this.#backend.commandComplete(`${send ? 'FETCH' : 'MOVE'} ${rows}`);
  }

  async #copy(portal: Portal, query: ParsedQuery, options: CopyOptions): Promise<void> {
    portal.cursor = new RowCursor(await this.#open(query, portal.values, portal.abort.signal));
    const { fields } = portal.cursor.source;
    this.#backend.copyOutResponse(fields.length, options.format === 'binary' ? 1 : 0);
    copyHead(this.#backend, fields, options);
    const writer = copyRows(this.#backend, fields, options);
    const { rows } = await portal.cursor.write(0, writer, this.#backend.out, this.#flush);
    copyTail(this.#backend, options, rows);
    await portal.cursor.close();
    this.#backend.copyDone();
    this.#backend.commandComplete(`COPY ${rows}`);
  }

  /** What began without BEGIN ends with the message. */
  async #endImplicit(): Promise<void> {
    if (this.#transaction.isOpen) return;
    this.#snapshot = undefined;
    await this.#portals.close(({ hold }) => !hold);
  }

  #ensureUsable(statement: Prepared): void {
    if (!isEnd(statement)) this.#transaction.ensureNotFailed();
  }

  #warn(sqlstate: string, message: string): void {
    this.#backend.noticeResponse({ sqlstate, message }, 'WARNING');
  }
}
