import type { StatementText } from '../../../lake/engine/lexer.ts';
import type { LakeSnapshot } from '../../../lake/engine/types.ts';
import { pgTypeNamed } from '../../catalog/pg-types.ts';
import { accounted } from '../accounting.ts';
import type { FormatCode } from '../protocol/frontend.ts';
import { SQLSTATE, WireError } from '../protocol/sqlstate.ts';
import type { Command, CopyOptions } from '../sql/commands/command.ts';
import { expressionsOf } from './bind.ts';
import { copyHead, copyRows, copyTail } from './copy.ts';
import { contextOf, type SessionParts } from './parts.ts';
import type { ParameterNodes, ParsedQuery } from './planner.ts';
import { newPortal, type Portal } from './portals.ts';
import type { Preparation } from './preparation.ts';
import { dataRows, ensureSame, RowCursor, type RowSource } from './rows.ts';
import { shownSettings } from './settings.ts';
import { isEnd, type Prepared } from './statements.ts';

/** Runs the portals of a session: sends the rows of queries, and does what commands ask for. */
export class Execution {
  readonly #parts: SessionParts;
  readonly #preparation: Preparation;
  #snapshot: Promise<LakeSnapshot> | undefined;
  /** Stops what runs at the moment. */
  running = new AbortController();

  constructor(parts: SessionParts, preparation: Preparation) {
    this.#parts = parts;
    this.#preparation = preparation;
  }

  /** FETCH from a binary cursor is binary whatever the client asked for. */
  formatsOf({ statement, formats }: Portal): readonly FormatCode[] {
    if (statement.kind === 'command' && statement.command.kind === 'fetch') {
      const cursor = this.#parts.portals.find(statement.command.name);
      if (formats.length === 0 && cursor !== undefined) return cursor.formats;
    }
    return formats;
  }

  /** Runs a portal, or goes on with it, up to a number of rows (0 for all). */
  async run(portal: Portal, maxRows: number): Promise<void> {
    const { statement } = portal;
    switch (statement.kind) {
      case 'empty':
        return this.#parts.backend.emptyQueryResponse();
      case 'query':
        this.#parts.transaction.ensureNotFailed();
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
    const { out } = this.#parts.backend;
    const writer = dataRows(this.#parts.backend, cursor.source.fields, this.formatsOf(portal));
    const { rows, ended } = await cursor.write(maxRows, writer, out, this.#parts.flush);
    if (!ended) return this.#parts.backend.portalSuspended();
    await cursor.close();
    portal.done = true;
    this.#parts.backend.commandComplete(`${tag} ${rows}`);
  }

  #open(query: ParsedQuery, values: ParameterNodes, signal: AbortSignal): Promise<RowSource> {
    const asked = this.#parts.facts.settings.milliseconds('statement_timeout');
    const timeoutMs =
      asked === 0 ? this.#parts.statementTimeoutMs : Math.min(asked, this.#parts.statementTimeoutMs);
    return accounted(this.#parts.account, query.text, (account) => {
      const snapshot = async (): Promise<LakeSnapshot> => {
        const current = await this.#currentSnapshot(signal);
        account.snapshot(current.token);
        return current;
      };
      const options = { signal, timeoutMs, ...account.options };
      return this.#parts.planner.open(query, values, contextOf(this.#parts.facts), snapshot, options);
    });
  }

  /** One snapshot for a transaction, or for what stands between two Syncs. */
  #currentSnapshot(signal: AbortSignal): Promise<LakeSnapshot> {
    this.#snapshot ??= this.#parts.planner.snapshot(signal).catch((error: unknown) => {
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
    if (!ends) this.#parts.transaction.ensureNotFailed();
    switch (command.kind) {
      case 'begin':
        return this.#begin(command.tag);
      case 'commit':
      case 'rollback':
        return this.#end(command.kind);
      case 'savepoint':
        this.#parts.transaction.savepoint(command.name);
        return this.#parts.backend.commandComplete('SAVEPOINT');
      case 'release':
        this.#parts.transaction.toSavepoint(command.name, false);
        return this.#parts.backend.commandComplete('RELEASE');
      case 'rollbackTo':
        this.#parts.transaction.toSavepoint(command.name, true);
        return this.#parts.backend.commandComplete('ROLLBACK');
      case 'set':
        return this.#set(command);
      case 'reset':
        this.#changeSettings(() => this.#parts.facts.settings.reset(command.name));
        return this.#parts.backend.commandComplete('RESET');
      case 'show':
        portal.cursor ??= new RowCursor(shownSettings(this.#parts.facts.settings, command.name));
        return this.#sendCommand(portal, portal.cursor, maxRows, 'SHOW');
      case 'discard':
        return this.#discard(command.what);
      case 'deallocate':
        if (command.name === undefined) this.#parts.statements.clear();
        else this.#parts.statements.deallocate(command.name);
        return this.#parts.backend.commandComplete(
          command.name === undefined ? 'DEALLOCATE ALL' : 'DEALLOCATE',
        );
      case 'prepare': {
        const types = command.types.map((name) => pgTypeNamed(name)?.oid ?? 0);
        this.#parts.statements.keep(command.name, await this.#preparation.prepare(command.query, types));
        return this.#parts.backend.commandComplete('PREPARE');
      }
      case 'execute':
        return this.#executePrepared(portal, command.name, command.args, maxRows);
      case 'declare':
        if (query !== undefined) await this.#declare(command, query, portal.values);
        return this.#parts.backend.commandComplete('DECLARE CURSOR');
      case 'fetch':
        return this.#fetch(portal, command.name, command.count, true);
      case 'move':
        return this.#fetch(portal, command.name, command.count, false);
      case 'closeCursor':
        if (command.name !== undefined) this.#parts.portals.cursorNamed(command.name);
        await this.#parts.portals.close(
          (_, name) => name !== '' && (command.name === undefined || name === command.name),
        );
        return this.#parts.backend.commandComplete(
          command.name === undefined ? 'CLOSE CURSOR ALL' : 'CLOSE CURSOR',
        );
      case 'copy':
        if (query !== undefined) await this.#copy(portal, query, command.options);
        return;
      case 'nothing':
        return this.#parts.backend.commandComplete(command.tag);
    }
  }

  /** Rows of a command whose tag does not count them. */
  async #sendCommand(portal: Portal, cursor: RowCursor, maxRows: number, tag: string): Promise<void> {
    const writer = dataRows(this.#parts.backend, cursor.source.fields, portal.formats);
    const { ended } = await cursor.write(maxRows, writer, this.#parts.backend.out, this.#parts.flush);
    if (!ended) return this.#parts.backend.portalSuspended();
    this.#parts.backend.commandComplete(tag);
  }

  #begin(tag: string): void {
    if (!this.#parts.transaction.isOpen) {
      this.#parts.transaction.begin();
      this.#parts.facts.settings.begin();
    } else this.#warn(SQLSTATE.activeTransaction, 'there is already a transaction in progress');
    this.#parts.backend.commandComplete(tag);
  }

  async #end(kind: 'commit' | 'rollback'): Promise<void> {
    if (!this.#parts.transaction.isOpen)
      this.#warn(SQLSTATE.noActiveTransaction, 'there is no transaction in progress');
    const committed = this.#parts.transaction.end(kind);
    this.#snapshot = undefined;
    this.#changeSettings(() => this.#parts.facts.settings.end(committed));
    await this.#parts.portals.close(({ hold, statement }) => !(hold && committed) && !isEnd(statement));
    this.#parts.backend.commandComplete(committed ? 'COMMIT' : 'ROLLBACK');
  }

  #set({ name, value, local }: Extract<Command, { kind: 'set' }>): void {
    if (local && !this.#parts.transaction.isOpen) {
      this.#warn(SQLSTATE.noActiveTransaction, 'SET LOCAL can only be used in transaction blocks');
    } else {
      this.#changeSettings(() => {
        const warning =
          value === undefined
            ? this.#parts.facts.settings.reset(name)
            : this.#parts.facts.settings.set(name, value, local);
        if (typeof warning === 'string') this.#warn(SQLSTATE.featureNotSupported, warning);
      });
    }
    this.#parts.backend.commandComplete('SET');
  }

  /** Changes settings, and tells the client about those that it is kept informed of. */
  #changeSettings(change: () => void): void {
    const before = new Map(this.#parts.facts.settings.reported());
    change();
    for (const [name, value] of this.#parts.facts.settings.reported()) {
      if (before.get(name) !== value) this.#parts.backend.parameterStatus(name, value);
    }
  }

  async #discard(what: string): Promise<void> {
    if (what === 'ALL') {
      if (this.#parts.transaction.isOpen)
        throw new WireError('activeTransaction', 'DISCARD ALL cannot run inside a transaction block');
      this.#parts.statements.clear();
      await this.#parts.portals.close(
        ({ statement }) => !(statement.kind === 'command' && statement.command.kind === 'discard'),
      );
      this.#changeSettings(() => this.#parts.facts.settings.reset());
    }
    this.#parts.backend.commandComplete(`DISCARD ${what}`);
  }

  async #executePrepared(
    portal: Portal,
    name: string,
    args: StatementText | undefined,
    maxRows: number,
  ): Promise<void> {
    const statement = this.#parts.statements.named(name);
    if (statement.kind !== 'query') {
      if (statement.kind === 'command')
        return this.#runCommand(portal, statement.command, statement.query, maxRows);
      return this.#parts.backend.emptyQueryResponse();
    }
    const values = args === undefined ? [] : await expressionsOf(this.#parts.planner, args);
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
    if (!hold) this.#parts.transaction.ensureOpen('DECLARE CURSOR');
    const abort = new AbortController();
    const cursor = new RowCursor(await this.#open(query, values, abort.signal));
    const statement: Prepared = { kind: 'query', query, parameterOids: [], fields: cursor.source.fields };
    try {
      const portal = newPortal(statement, values, binary ? [1] : [], abort, hold);
      portal.cursor = cursor;
      await this.#parts.portals.open(name, portal);
    } catch (error) {
      await cursor.close();
      throw error;
    }
  }

  /** FETCH and MOVE: the rows that a cursor has next. */
  async #fetch(portal: Portal, name: string, count: number, send: boolean): Promise<void> {
    const cursor = this.#parts.portals.cursorNamed(name);
    this.running = this.#parts.portals.find(name)?.abort ?? this.running;
    const writer = send
      ? dataRows(this.#parts.backend, cursor.source.fields, this.formatsOf(portal))
      : () => () => undefined;
    const { rows } = await cursor.write(count, writer, this.#parts.backend.out, this.#parts.flush);
    this.#parts.backend.commandComplete(`${send ? 'FETCH' : 'MOVE'} ${rows}`);
  }

  async #copy(portal: Portal, query: ParsedQuery, options: CopyOptions): Promise<void> {
    portal.cursor = new RowCursor(await this.#open(query, portal.values, portal.abort.signal));
    const { fields } = portal.cursor.source;
    this.#parts.backend.copyOutResponse(fields.length, options.format === 'binary' ? 1 : 0);
    copyHead(this.#parts.backend, fields, options);
    const writer = copyRows(this.#parts.backend, fields, options);
    const { rows } = await portal.cursor.write(0, writer, this.#parts.backend.out, this.#parts.flush);
    copyTail(this.#parts.backend, options, rows);
    await portal.cursor.close();
    this.#parts.backend.copyDone();
    this.#parts.backend.commandComplete(`COPY ${rows}`);
  }

  /** What began without BEGIN ends with the message. */
  async endImplicit(): Promise<void> {
    if (this.#parts.transaction.isOpen) return;
    this.#snapshot = undefined;
    await this.#parts.portals.close(({ hold }) => !hold);
  }

  #warn(sqlstate: string, message: string): void {
    this.#parts.backend.noticeResponse({ sqlstate, message }, 'WARNING');
  }
}
