import { SandboxError } from './errors.ts';
import { type StatementText, statementsOf } from './lexer.ts';

/** DuckDB parses and binds a statement before it can be interrupted, in more than linear time. */
const LONGEST = 65_536;
const DEEPEST = 60;

const WANTED = 'one SELECT statement';

/**
 * The one statement of a text that somebody wrote, for every door: semicolons and comments around it are no part of it, so
 * that what is left can stand in parentheses.
 * @throws SandboxError when there is none or more than one, and for a statement that takes long only to be understood
 */
export function statementText(sql: string): string {
  if (sql.length > LONGEST) {
    throw new SandboxError(`the statement has ${sql.length} characters, the limit is ${LONGEST}`, {
      remedy: 'join with a table instead of listing values',
    });
  }
  // DuckDB takes it for the end of the text, and would run less than was written.
  if (sql.includes('\0')) throw new SandboxError('the statement has a NUL character', { expected: WANTED });
  const [statement, ...others] = statementsOf(sql);
  if (statement === undefined) throw new SandboxError('the statement is empty', { expected: WANTED });
  if (others.length > 0) {
    throw new SandboxError(`${others.length + 1} statements were given`, {
      expected: WANTED,
      remedy: 'ask for them one after the other',
    });
  }
  checkDepth(statement);
  return statement.text;
}

function checkDepth({ tokens }: StatementText): void {
  let depth = 0;
  for (const { kind, text } of tokens) {
    if (kind !== 'mark') continue;
    if ('([{'.includes(text)) depth += 1;
    else if (')]}'.includes(text)) depth -= 1;
    if (depth > DEEPEST) throw new SandboxError(`brackets are nested in more than ${DEEPEST} levels`);
  }
}
