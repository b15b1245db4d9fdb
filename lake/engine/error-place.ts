import { messageOf } from '../errors.ts';
import { QueryError, SandboxError } from './errors.ts';

/** Characters that DuckDB counts as two columns of a terminal; it does not count tabs. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

const SHOWN = /^LINE (\d+): (.*)\n( *)\^/m;

/**
 * Where in a statement DuckDB's message points with its caret, in characters (code points) from the start.
 * Undefined where it points nowhere, or into a text that is not this one (the SELECT of a view).
 */
export function pointedAt(message: string, sql: string): number | undefined {
  const [, number = '', shown = '', indent = ''] = SHOWN.exec(message) ?? [];
  const lines = sql.split('\n');
  const line = lines[Number(number) - 1];
  if (line === undefined) return undefined;
  // Of a long line there is a part.
  const cut = shown.startsWith('...') ? 3 : 0;
  const part = shown.slice(cut).replace(/\.\.\.$/, '');
  const start = cut > 0 ? line.indexOf(part) : line.startsWith(part) ? 0 : -1;
  if (start < 0) return undefined;
  let column = indent.length - `LINE ${number}: `.length - cut;
  const before = lines.slice(0, Number(number) - 1).map((other) => `${other}\n`);
  let offset = [...before.join(''), ...line.slice(0, start)].length;
  for (const character of part) {
    if (character !== '\t') {
      if (column <= 0) break;
      column -= WIDE.test(character) ? 2 : 1;
    }
    offset += 1;
  }
  return offset;
}

/** Characters before a byte of UTF-8, as DuckDB counts where names are; undefined where it does not know. */
export function charactersBefore(text: string, byte: unknown): number | undefined {
  const bytes = Buffer.from(text);
  if (typeof byte !== 'number' || byte > bytes.length) return undefined;
  return [...bytes.subarray(0, byte).toString()].length;
}

/**
 * The error of a statement with its place in the text that somebody wrote.
 * @param statement what was parsed or run: a part of the text, else the place is left out
 */
export function withPlace(error: unknown, statement: string, written: string): unknown {
  if (!(error instanceof QueryError || error instanceof SandboxError)) return error;
  const offset = error.where?.offset ?? pointedAt(messageOf(error.cause), statement);
  if (offset === undefined) return error;
  const start = written.indexOf(statement);
  const { message, expected, remedy, cause } = error;
  const details = {
    ...(start >= 0 && { where: { offset: [...written.slice(0, start)].length + offset } }),
    ...(expected !== undefined && { expected }),
    ...(remedy !== undefined && { remedy }),
    cause,
  };
  return error instanceof QueryError ? new QueryError(message, details) : new SandboxError(message, details);
}
