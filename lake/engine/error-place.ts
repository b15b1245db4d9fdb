import { messageOf } from '../errors.ts';
import { QueryError } from './errors.ts';

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

/** The error of a statement that somebody wrote, with its place in it. */
export function withPlace(error: unknown, sql: string): unknown {
  if (!(error instanceof QueryError) || error.cause === undefined) return error;
  const offset = pointedAt(messageOf(error.cause), sql);
  if (offset === undefined) return error;
  const { message, expected, remedy, cause } = error;
  return new QueryError(message, {
    where: { offset },
    ...(expected !== undefined && { expected }),
    ...(remedy !== undefined && { remedy }),
    cause,
  });
}
