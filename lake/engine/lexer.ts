import { SandboxError } from './errors.ts';

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'parameter' | 'operator' | 'mark';

/** A piece of SQL that is neither white space nor a comment. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const NUMBER = /(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?)/y;
const PARAMETER = /\$\d+/y;
const DOLLAR_TAG = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const OPERATOR = /[-+*/<>=~!@#%^&|`?]+/y;
const SPACE = /\s+/y;
const STRING_PREFIX = /(?:[eEbBxXnN]|[uU]&)(?=')/y;

/**
 * Cuts SQL into tokens as PostgreSQL's scanner does, from which DuckDB's comes: enough to split statements and to know their
 * first words. Nothing rests on it for safety; what is executed has passed DuckDB's own parser.
 * @throws SandboxError when a string or comment has no end
 */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  const push = (kind: TokenKind, end: number): void => {
    tokens.push({ kind, text: sql.slice(at, end), start: at, end });
    at = end;
  };
  while (at < sql.length) {
    const space = match(SPACE);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    if (sql.startsWith('--', at)) {
      const end = sql.indexOf('\n', at);
      at = end < 0 ? sql.length : end + 1;
      continue;
    }
    if (sql.startsWith('/*', at)) {
      at = commentEnd(sql, at);
      continue;
    }
    const char = sql.charAt(at);
    const prefix = match(STRING_PREFIX);
    if (prefix !== undefined || char === "'") {
      push('string', stringEnd(sql, at + (prefix?.length ?? 0), "'", prefix?.toLowerCase() === 'e'));
      continue;
    }
    if (char === '"') {
      push('quoted', stringEnd(sql, at, '"', false));
      continue;
    }
    const tag = char === '$' ? match(DOLLAR_TAG) : undefined;
    if (tag !== undefined) {
      const end = sql.indexOf(tag, at + tag.length);
      if (end < 0) throw new SandboxError(`unterminated dollar-quoted string at "${tag}"`);
      push('string', end + tag.length);
      continue;
    }
    const parameter = match(PARAMETER);
    if (parameter !== undefined) {
      push('parameter', at + parameter.length);
      continue;
    }
    const number = match(NUMBER);
    if (number !== undefined) {
      push('number', at + number.length);
      continue;
    }
    const word = match(WORD);
    if (word !== undefined) {
      push('word', at + word.length);
      continue;
    }
    const operator = match(OPERATOR);
    if (operator !== undefined) {
      push('operator', at + operatorLength(operator));
      continue;
    }
    push('mark', at + (sql.startsWith('::', at) ? 2 : (sql.codePointAt(at) ?? 0) > 0xffff ? 2 : 1));
  }
  return tokens;
}

function commentEnd(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; at++) {
    if (sql.startsWith('/*', at)) {
      depth++;
      at++;
    } else if (sql.startsWith('*/', at)) {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  throw new SandboxError('unterminated /* comment');
}

function stringEnd(sql: string, start: number, quote: string, backslashes: boolean): number {
  for (let at = start + 1; at < sql.length; at++) {
    const char = sql.charAt(at);
    if (backslashes && char === '\\') at++;
    else if (char === quote) {
      if (sql.charAt(at + 1) !== quote) return at + 1;
      at++;
    }
  }
  throw new SandboxError(quote === '"' ? 'unterminated quoted identifier' : 'unterminated quoted string');
}

/** An operator ends where a comment begins, and ends in + or - only with an unusual character before it. */
function operatorLength(run: string): number {
  const comment = run.search(/--|\/\*/);
  let length = comment > 0 ? comment : run.length;
  while (length > 1 && /[+-]/.test(run.charAt(length - 1)) && !/[~!@#%^&|`?]/.test(run.slice(0, length - 1)))
    length--;
  return length;
}

/** One of the statements of a text, without the comments before and after it; places of its tokens are in its own text. */
export interface StatementText {
  readonly text: string;
  readonly tokens: readonly Token[];
}

/** Statements without the semicolons between them; empty ones are left out. @throws SandboxError as `tokensOf` */
export function statementsOf(sql: string): StatementText[] {
  const statements: StatementText[] = [];
  let tokens: Token[] = [];
  const end = () => {
    const [first] = tokens;
    const last = tokens.at(-1);
    if (first !== undefined && last !== undefined) {
      const offset = first.start;
      statements.push({
        text: sql.slice(offset, last.end),
        tokens: tokens.map((token) => ({ ...token, start: token.start - offset, end: token.end - offset })),
      });
    }
    tokens = [];
  };
  for (const token of tokensOf(sql)) {
    if (token.text === ';') end();
    else tokens.push(token);
  }
  end();
  return statements;
}

/** The name that a word or a quoted name stands for. */
export function identifier(token: Token): string {
  return token.kind === 'quoted' ? token.text.slice(1, -1).replaceAll('""', '"') : token.text.toLowerCase();
}

/** What a string token stands for. */
export function stringValue(token: Token): string {
  const { text } = token;
  if (text.startsWith('$')) {
    const tag = text.indexOf('$', 1) + 1;
    return text.slice(tag, -tag);
  }
  const inner = text.slice(text.indexOf("'") + 1, -1).replaceAll("''", "'");
  if (!/^[eE]/.test(text)) return inner;
  return inner.replace(
    /\\(.)/gs,
    (_, c: string) => ({ n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' })[c] ?? c,
  );
}
