import { identifier, type Token } from '../../../lake/engine/lexer.ts';

/**
 * PostgreSQL's regular expression operators under names that DuckDB's parser keeps apart: its own `~` matches whole
 * texts, PostgreSQL's any part of them. `rewrite.ts` turns them into function calls.
 */
export const REGEX_OPERATORS: Readonly<Record<string, string>> = {
  '~': '~@~',
  '!~': '!~@~',
  '~*': '~@~*',
  '!~*': '!~@~*',
};

/** Schemas whose names need not be qualified: what is in them is found by its name alone. */
const OPEN_SCHEMAS = ['pg_catalog', 'public'];

/** Orders that are DuckDB's own: by code point. */
const BINARY_COLLATIONS = new Set([
  'default',
  'c',
  'posix',
  'ucs_basic',
  'c.utf8',
  'c.utf-8',
  'en_us.utf8',
  'en_us.utf-8',
]);

/** Words that DuckDB takes for a column alias only after AS. */
const ALIASES = new Set([
  'name',
  'key',
  'type',
  'value',
  'text',
  'comment',
  'schema',
  'options',
  'owner',
  'columns',
  'level',
]);

/**
 * The text of a statement without what DuckDB's grammar lacks: the schemas `pg_catalog` and `public`, `OPERATOR(…)`, collations
 * that mean what DuckDB does anyway, PostgreSQL's regular expression operators, bare aliases that are keywords.
 */
export function withoutPostgresSyntax(text: string, tokens: readonly Token[]): string {
  let out = '';
  let from = 0;
  const replace = (first: Token, last: Token, by: string): void => {
    out += text.slice(from, first.start) + by;
    from = last.end;
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const next = tokens[i + 1];
    if (next?.text === '.' && OPEN_SCHEMAS.some((schema) => isName(token, schema))) {
      replace(token, next, '');
      i++;
    } else if (isWord(token, 'operator') && next?.text === '(') {
      const close = tokens.findIndex((candidate, j) => j > i && candidate.text === ')');
      const operator = tokens[close - 1];
      if (close < 0 || operator === undefined) continue;
      replace(token, tokens[close]!, ` ${REGEX_OPERATORS[operator.text] ?? operator.text} `);
      i = close;
    } else if (isWord(token, 'collate') && next !== undefined) {
      let last = i + 1;
      while (tokens[last + 1]?.text === '.' && tokens[last + 2] !== undefined) last += 2;
      const name = tokens[last]!;
      if (!BINARY_COLLATIONS.has(identifier(name).toLowerCase())) continue;
      replace(token, name, '');
      i = last;
    } else if (
      token.kind === 'operator' &&
      Object.hasOwn(REGEX_OPERATORS, token.text) &&
      isOperand(tokens[i - 1])
    ) {
      replace(token, token, REGEX_OPERATORS[token.text] ?? '');
    } else if (isName(token, 'oid') && isCastMark(tokens, i - 1)) {
      // DuckDB knows the name, and takes it for BIGINT.
      replace(token, token, 'UINTEGER');
    } else if (
      token.kind === 'word' &&
      ALIASES.has(token.text.toLowerCase()) &&
      isOperand(tokens[i - 1]) &&
      (next === undefined || next.text === ',' || next.text === ')' || isWord(next, 'from'))
    ) {
      replace(token, token, `AS ${token.text}`);
    }
  }
  return out + text.slice(from);
}

/** Whether `::` comes before, with or without the schema of the type after it. */
function isCastMark(tokens: readonly Token[], at: number): boolean {
  const schema = tokens[at - 1];
  const qualified = tokens[at]?.text === '.' && schema !== undefined && isName(schema, 'pg_catalog');
  return tokens[qualified ? at - 2 : at]?.text === '::';
}

const NOT_OPERANDS = new Set([
  'select',
  'distinct',
  'where',
  'and',
  'or',
  'not',
  'on',
  'when',
  'then',
  'else',
  'case',
  'by',
  'having',
  'as',
  'in',
  'is',
  'like',
  'ilike',
  'between',
  'from',
  'join',
  'union',
  'all',
  'any',
  'some',
  'limit',
  'offset',
  'with',
  'using',
  'to',
]);

function isOperand(token: Token | undefined): boolean {
  if (token === undefined) return false;
  switch (token.kind) {
    case 'operator':
      return false;
    case 'mark':
      return token.text === ')' || token.text === ']';
    case 'word':
      return !NOT_OPERANDS.has(token.text.toLowerCase());
    default:
      return true;
  }
}

export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toLowerCase() === word;
}

function isName(token: Token, name: string): boolean {
  return (token.kind === 'word' || token.kind === 'quoted') && identifier(token) === name;
}
