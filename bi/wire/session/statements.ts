import { WireError } from '../protocol/sqlstate.ts';
import type { Command } from '../sql/commands/command.ts';
import type { ParsedQuery } from './planner.ts';
import type { ResultField } from './rows.ts';

/** A prepared statement. */
export type Prepared =
  | { readonly kind: 'empty'; readonly parameterOids: readonly number[]; readonly fields: undefined }
  | {
      readonly kind: 'query';
      readonly query: ParsedQuery;
      readonly parameterOids: readonly number[];
      readonly fields: readonly ResultField[];
    }
  | {
      readonly kind: 'command';
      readonly command: Command;
      /** The SELECT within DECLARE or COPY. */
      readonly query: ParsedQuery | undefined;
      readonly parameterOids: readonly number[];
      readonly fields: readonly ResultField[] | undefined;
    };

/** What a session may keep: a syntax tree takes some fifty times the memory of its text. */
const MAX_STATEMENTS = 1000;
const MAX_CHARACTERS = 1 << 21;

/** The prepared statements of a session by name; the unnamed one is ''. */
export class Statements {
  readonly #kept = new Map<string, Prepared>();

  /** Keeps a statement; the unnamed one takes the place of the last. @throws WireError */
  keep(name: string, prepared: Prepared): void {
    if (name !== '' && this.#kept.has(name)) {
      throw new WireError('duplicateStatement', `prepared statement "${name}" already exists`);
    }
    const others = [...this.#kept].filter(([other]) => other !== name).map(([, kept]) => kept);
    const texts = [...others, prepared].map((kept) => ('query' in kept ? (kept.query?.text.length ?? 0) : 0));
    if (texts.length > MAX_STATEMENTS || texts.reduce((sum, length) => sum + length, 0) > MAX_CHARACTERS) {
      throw new WireError('limitExceeded', 'too many prepared statements', {
        expected: `at most ${MAX_STATEMENTS}, of ${MAX_CHARACTERS} characters together`,
        remedy: 'close those that are no longer needed',
      });
    }
    this.#kept.set(name, prepared);
  }

  /** @throws WireError when there is none of that name */
  named(name: string): Prepared {
    const statement = this.#kept.get(name);
    if (statement === undefined) throw noStatement(name);
    return statement;
  }

  /** Forgets a statement, if there is one. */
  close(name: string): void {
    this.#kept.delete(name);
  }

  /** Forgets a statement. @throws WireError when there is none of that name */
  deallocate(name: string): void {
    if (!this.#kept.delete(name)) throw noStatement(name);
  }

  clear(): void {
    this.#kept.clear();
  }
}

/** Whether a statement may run in a transaction that has failed. */
export function isEnd(statement: Prepared): boolean {
  return (
    statement.kind === 'command' && ['commit', 'rollback', 'rollbackTo'].includes(statement.command.kind)
  );
}

/** COPY describes its rows in its own way. */
export function isCopy(statement: Prepared): boolean {
  return statement.kind === 'command' && statement.command.kind === 'copy';
}

function noStatement(name: string): WireError {
  return new WireError(
    'invalidStatementName',
    name === '' ? 'unnamed prepared statement does not exist' : `prepared statement "${name}" does not exist`,
  );
}
