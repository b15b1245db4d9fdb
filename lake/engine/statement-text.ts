import { SandboxError } from './errors.ts';

/** DuckDB parses and binds a statement before it can be interrupted, in more than linear time. */
const LONGEST = 65_536;
const DEEPEST = 60;

/** What is in quotes and comments, or one bracket. */
const PARTS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|[()[\]{}]/g;

/** @throws SandboxError for a statement that takes long only to be understood */
export function checkStatementText(sql: string): void {
  if (sql.length > LONGEST) {
    throw new SandboxError(`the statement has ${sql.length} characters, the limit is ${LONGEST}`, {
      remedy: 'join with a table instead of listing values',
    });
  }
  let depth = 0;
  for (const [part] of sql.matchAll(PARTS)) {
    if ('([{'.includes(part)) depth += 1;
    else if (')]}'.includes(part)) depth -= 1;
    if (depth > DEEPEST) throw new SandboxError(`brackets are nested in more than ${DEEPEST} levels`);
  }
}
