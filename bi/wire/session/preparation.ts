import type { StatementText } from '../../../lake/engine/lexer.ts';
import { pgType } from '../../catalog/pg-types.ts';
import { WireError } from '../protocol/sqlstate.ts';
import type { Command } from '../sql/commands/command.ts';
import { commandOf } from '../sql/commands/commands.ts';
import { parameterNode } from '../types/parameters.ts';
import { contextOf, type SessionParts } from './parts.ts';
import type { ParsedQuery } from './planner.ts';
import type { ResultField } from './rows.ts';
import { shownSettings } from './settings.ts';
import type { Prepared } from './statements.ts';

const MAX_STATEMENT_CHARACTERS = 1 << 18;

/** Finds out what statements are, and what they take and give. */
export class Preparation {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** @throws WireError for what cannot be understood, or may not run in a transaction that has failed */
  async prepare(statement: StatementText, types: readonly number[]): Promise<Prepared> {
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
      this.#parts.transaction.ensureNotFailed();
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
      this.#parts.facts.settings.get(command.name) === undefined &&
      this.#parts.planner.reads(command.name);
    return describes ? undefined : command;
  }

  async #query(
    { text, tokens }: StatementText,
    types: readonly number[],
  ): Promise<{ query: ParsedQuery; parameterOids: readonly number[]; fields: readonly ResultField[] }> {
    const query = await this.#parts.planner.parse(text, tokens);
    const given = new Map(
      query.parameters.flatMap((n) => {
        const oid = types[n - 1] ?? 0;
        return oid === 0 ? [] : [[n, parameterNode(null, 0, oid)] as const];
      }),
    );
    const shape = await this.#parts.planner.shape(query, given, contextOf(this.#parts.facts));
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
        return shownSettings(this.#parts.facts.settings, command.name).fields;
      case 'fetch':
        return this.#parts.portals.cursorNamed(command.name).source.fields;
      case 'execute':
        return this.#parts.statements.named(command.name).fields;
      default:
        return undefined;
    }
  }
}
