import { identifier, type StatementText, stringValue, type Token } from '../../../lake/engine/lexer.ts';
import { WireError } from '../protocol/sqlstate.ts';
import { isWord } from './dialect.ts';

export interface CopyOptions {
  readonly format: 'text' | 'csv' | 'binary';
  readonly header: boolean;
  readonly delimiter: string;
  readonly nullText: string;
  readonly quote: string;
}

/** Everything but a SELECT that sessions understand. */
export type Command =
  | { readonly kind: 'begin'; readonly tag: 'BEGIN' | 'START TRANSACTION' }
  | { readonly kind: 'commit' | 'rollback' }
  | { readonly kind: 'savepoint' | 'release' | 'rollbackTo'; readonly name: string }
  | {
      readonly kind: 'set';
      readonly name: string;
      readonly value: string | undefined;
      readonly local: boolean;
    }
  | { readonly kind: 'reset'; readonly name: string | undefined }
  | { readonly kind: 'show'; readonly name: string }
  | { readonly kind: 'discard'; readonly what: string }
  | { readonly kind: 'deallocate'; readonly name: string | undefined }
  | {
      readonly kind: 'prepare';
      readonly name: string;
      readonly types: readonly string[];
      readonly query: StatementText;
    }
  | { readonly kind: 'execute'; readonly name: string; readonly args: StatementText | undefined }
  | {
      readonly kind: 'declare';
      readonly name: string;
      readonly binary: boolean;
      readonly hold: boolean;
      readonly query: StatementText;
    }
  | { readonly kind: 'fetch' | 'move'; readonly name: string; readonly count: number }
  | { readonly kind: 'closeCursor'; readonly name: string | undefined }
  | { readonly kind: 'copy'; readonly query: StatementText; readonly options: CopyOptions }
  /** Accepted, and nothing to do. */
  | { readonly kind: 'nothing'; readonly tag: string };

/** Statements that change something, by their first word. */
const WRITES = new Set([
  'insert',
  'update',
  'delete',
  'merge',
  'create',
  'alter',
  'drop',
  'truncate',
  'grant',
  'revoke',
  'comment',
  'refresh',
  'import',
  'security',
  'reassign',
  'vacuum',
  'analyze',
  'analyse',
  'cluster',
  'reindex',
  'checkpoint',
  'do',
  'call',
  'notify',
  'attach',
  'detach',
  'install',
  'load',
  'export',
  'pragma',
  'use',
]);

/** DuckDB's own SHOW statements, which the lake answers. */
const LISTINGS = new Set(['tables', 'databases', 'schemas', 'columns']);

/**
 * The command that a statement is; undefined for anything that should be a SELECT.
 * @throws WireError for what is refused here or cannot be understood
 */
export function commandOf({ text, tokens }: StatementText): Command | undefined {
  const first = tokens[0];
  if (first?.kind !== 'word') return undefined;
  const words = new Words(text, tokens);
  const verb = words.word();
  switch (verb) {
    case 'begin':
      return { kind: 'begin', tag: 'BEGIN' };
    case 'start':
      words.expect('transaction');
      return { kind: 'begin', tag: 'START TRANSACTION' };
    case 'commit':
    case 'end':
      refusePrepared(words);
      return { kind: 'commit' };
    case 'rollback':
    case 'abort':
      refusePrepared(words);
      words.skip('work', 'transaction');
      if (!words.skip('to')) return { kind: 'rollback' };
      words.skip('savepoint');
      return { kind: 'rollbackTo', name: words.name() };
    case 'savepoint':
      return { kind: 'savepoint', name: words.name() };
    case 'release':
      words.skip('savepoint');
      return { kind: 'release', name: words.name() };
    case 'set':
      return setCommand(words);
    case 'reset':
      return words.skip('all')
        ? { kind: 'reset', name: undefined }
        : { kind: 'reset', name: settingName(words) };
    case 'show':
      return showCommand(words);
    case 'discard':
      return { kind: 'discard', what: words.word().toUpperCase() };
    case 'deallocate':
      words.skip('prepare');
      return { kind: 'deallocate', name: words.skip('all') ? undefined : words.name() };
    case 'prepare':
      return prepareCommand(words);
    case 'execute':
      return executeCommand(words);
    case 'declare':
      return declareCommand(words);
    case 'fetch':
    case 'move':
      return { kind: verb, ...fetchCount(words) };
    case 'close':
      return { kind: 'closeCursor', name: words.skip('all') ? undefined : words.name() };
    case 'copy':
      return copyCommand(words);
    case 'unlisten':
    case 'lock':
      return { kind: 'nothing', tag: verb === 'lock' ? 'LOCK TABLE' : 'UNLISTEN' };
    case 'listen':
    case 'explain':
      throw new WireError('featureNotSupported', `${verb.toUpperCase()} is not supported`);
    default:
      if (!WRITES.has(verb)) return undefined;
      throw new WireError(
        'readOnlyTransaction',
        `cannot execute ${verb.toUpperCase()} in a read-only transaction`,
        {
          expected: 'statements that read',
        },
      );
  }
}

function refusePrepared(words: Words): void {
  if (words.skip('prepared'))
    throw new WireError('featureNotSupported', 'prepared transactions are not supported');
}

/** Reads the tokens of a statement from left to right. */
class Words {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  get next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  take(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new WireError('syntaxError', 'syntax error at end of input');
    return token;
  }

  /** The next word in lower case. */
  word(): string {
    return this.take().text.toLowerCase();
  }

  name(): string {
    const token = this.take();
    if (token.kind !== 'word' && token.kind !== 'quoted') throw syntaxAt(token);
    return identifier(token);
  }

  /** Steps over any of these words, as often as they come; tells whether one did. */
  skip(...words: string[]): boolean {
    let found = false;
    while (words.some((word) => isWord(this.next, word))) {
      this.#at++;
      found = true;
    }
    return found;
  }

  skipMark(mark: string): boolean {
    if (this.next?.text !== mark) return false;
    this.#at++;
    return true;
  }

  expect(text: string): void {
    const token = this.take();
    if (token.text.toLowerCase() !== text) throw syntaxAt(token);
  }

  /** Everything that is left. */
  rest(): StatementText {
    return this.#slice(this.#at, this.#tokens.length);
  }

  /** What is within the parentheses that come next. */
  parenthesised(): StatementText {
    this.expect('(');
    const from = this.#at;
    for (let depth = 1; depth > 0; ) {
      const { text } = this.take();
      if (text === '(') depth++;
      else if (text === ')') depth--;
    }
    return this.#slice(from, this.#at - 1);
  }

  end(): void {
    if (this.next !== undefined) throw syntaxAt(this.next);
  }

  #slice(from: number, to: number): StatementText {
    const tokens = this.#tokens.slice(from, to);
    const [first] = tokens;
    const last = tokens.at(-1);
    if (first === undefined || last === undefined) return { text: '', tokens: [] };
    return {
      text: this.#text.slice(first.start, last.end),
      tokens: tokens.map((token) => ({
        ...token,
        start: token.start - first.start,
        end: token.end - first.start,
      })),
    };
  }
}

function syntaxAt(token: Token): WireError {
  return new WireError('syntaxError', `syntax error at or near "${token.text}"`);
}

function settingName(words: Words): string {
  if (isWord(words.next, 'time')) {
    words.take();
    words.expect('zone');
    return 'TimeZone';
  }
  if (words.skip('names')) return 'client_encoding';
  let name = words.name();
  while (words.skipMark('.')) name += `.${words.name()}`;
  return name;
}

function setCommand(words: Words): Command {
  const local = isWord(words.next, 'local');
  const session = words.skip('session', 'local') && !local;
  if (session && words.skip('characteristics')) return { kind: 'nothing', tag: 'SET' };
  if (words.skip('transaction', 'constraints', 'role', 'authorization')) {
    const mode = words.rest().tokens.map(({ text }) => text.toLowerCase());
    if (mode.includes('write')) {
      throw new WireError(
        'featureNotSupported',
        'cannot set transaction read-write mode: the lake is read-only here',
      );
    }
    return { kind: 'nothing', tag: 'SET' };
  }
  const name = settingName(words);
  if (name !== 'TimeZone' && name !== 'client_encoding') {
    if (!words.skipMark('=')) words.expect('to');
  } else if (!words.skipMark('=')) words.skip('to');
  const values: string[] = [];
  while (words.next !== undefined) {
    const token = words.take();
    if (token.text !== ',') values.push(valueText(token, values));
  }
  const [only] = values;
  if (only === undefined) throw new WireError('syntaxError', 'syntax error at end of input');
  const isDefault = values.length === 1 && /^(default|local)$/i.test(only);
  return { kind: 'set', name, local, value: isDefault ? undefined : values.join(', ') };
}

/** A sign before a number belongs to it. */
function valueText(token: Token, values: string[]): string {
  if (token.kind === 'string') return stringValue(token);
  if (token.kind === 'number' && /^[-+]$/.test(values.at(-1) ?? ''))
    return `${values.pop() ?? ''}${token.text}`;
  return token.kind === 'quoted' ? identifier(token) : token.text;
}

function showCommand(words: Words): Command | undefined {
  if (words.next !== undefined && LISTINGS.has(words.next.text.toLowerCase())) return undefined;
  if (words.skip('transaction')) {
    words.expect('isolation');
    words.expect('level');
    return { kind: 'show', name: 'transaction_isolation' };
  }
  if (words.skip('session')) {
    words.expect('authorization');
    return { kind: 'show', name: 'session_authorization' };
  }
  if (words.skip('all')) {
    return words.next === undefined ? { kind: 'show', name: 'all' } : undefined;
  }
  const name = settingName(words);
  words.end();
  return { kind: 'show', name };
}

function prepareCommand(words: Words): Command {
  if (words.skip('transaction'))
    throw new WireError('featureNotSupported', 'prepared transactions are not supported');
  const name = words.name();
  const types = words.next?.text === '(' ? typeNames(words.parenthesised()) : [];
  words.expect('as');
  return { kind: 'prepare', name, types, query: words.rest() };
}

function typeNames({ tokens }: StatementText): string[] {
  const names: string[] = [''];
  for (const token of tokens) {
    if (token.text === ',') names.push('');
    else {
      const before = names.pop() ?? '';
      names.push(`${before}${before === '' || token.kind === 'mark' ? '' : ' '}${identifier(token)}`);
    }
  }
  return names;
}

function executeCommand(words: Words): Command {
  const name = words.name();
  const args = words.next?.text === '(' ? words.parenthesised() : undefined;
  words.end();
  return { kind: 'execute', name, args };
}

function declareCommand(words: Words): Command {
  const name = words.name();
  let binary = false;
  let hold = false;
  for (;;) {
    if (words.skip('binary')) binary = true;
    else if (words.skip('with')) {
      words.expect('hold');
      hold = true;
    } else if (words.skip('without')) words.expect('hold');
    else if (!words.skip('asensitive', 'insensitive', 'no', 'scroll', 'cursor')) break;
  }
  words.expect('for');
  return { kind: 'declare', name, binary, hold, query: words.rest() };
}

/** How many rows to go on; 0 stands for all of them. */
function fetchCount(words: Words): { name: string; count: number } {
  let count = 1;
  if (words.skip('next')) count = 1;
  else if (words.skip('all')) count = 0;
  else if (words.skip('prior', 'first', 'last', 'absolute', 'backward')) throw forwardOnly();
  else {
    const relative = words.skip('forward', 'relative');
    if (words.skip('all')) count = 0;
    else if (words.next?.kind === 'number') {
      count = Number(words.take().text);
      if (count === 0) throw forwardOnly();
    } else if (words.next?.text === '-') throw forwardOnly();
    else if (!relative && words.next === undefined)
      throw new WireError('syntaxError', 'syntax error at end of input');
  }
  words.skip('from', 'in');
  const name = words.name();
  words.end();
  return { name, count };
}

function forwardOnly(): WireError {
  return new WireError('notInState', 'cursor can only scan forward', {
    remedy: 'declare the cursor again to begin anew',
  });
}

function copyCommand(words: Words): Command {
  let query: StatementText;
  if (words.next?.text === '(') query = words.parenthesised();
  else {
    let table = quotedName(words);
    while (words.skipMark('.')) table += `.${quotedName(words)}`;
    const columns = words.next?.text === '(' ? words.parenthesised().text : '*';
    query = statement(`SELECT ${columns} FROM ${table}`);
  }
  if (words.skip('from'))
    throw new WireError('readOnlyTransaction', 'cannot execute COPY FROM in a read-only transaction');
  words.expect('to');
  if (!words.skip('stdout')) {
    throw new WireError('insufficientPrivilege', 'COPY to a file is not possible here', {
      expected: 'COPY … TO STDOUT',
      remedy: "psql's \\copy writes files on the client's side",
    });
  }
  return { kind: 'copy', query, options: copyOptions(words) };
}

function quotedName(words: Words): string {
  return `"${words.name().replaceAll('"', '""')}"`;
}

/** Tokens of text that was put together here: they need not be exact, the parser sees the text. */
function statement(text: string): StatementText {
  return { text, tokens: [] };
}

function copyOptions(words: Words): CopyOptions {
  words.skip('with');
  const listed = words.next?.text === '(' ? words.parenthesised() : words.rest();
  const option = new Words(listed.text, listed.tokens);
  let format: CopyOptions['format'] = 'text';
  let header = false;
  const texts = new Map<string, string>();
  while (option.next !== undefined) {
    const name = option.word();
    if (name === ',') continue;
    if (name === 'format') format = formatName(option.word().replaceAll("'", ''));
    else if (name === 'csv' || name === 'binary') format = name;
    else if (name === 'header') header = !option.skip('false', 'off') && (option.skip('true', 'on') || true);
    else if (
      name === 'delimiter' ||
      name === 'null' ||
      name === 'quote' ||
      name === 'encoding' ||
      name === 'escape'
    ) {
      option.skip('as');
      texts.set(name, stringValue(option.take()));
    } else throw new WireError('featureNotSupported', `COPY option "${name}" is not supported`);
  }
  const csv = format === 'csv';
  const delimiter = texts.get('delimiter') ?? (csv ? ',' : '\t');
  const quote = texts.get('quote') ?? '"';
  if (delimiter.length !== 1 || quote.length !== 1) {
    throw new WireError('featureNotSupported', 'COPY delimiter and quote must be single characters');
  }
  return { format, header, delimiter, quote, nullText: texts.get('null') ?? (csv ? '' : '\\N') };
}

function formatName(name: string): CopyOptions['format'] {
  if (name === 'text' || name === 'csv' || name === 'binary') return name;
  throw new WireError('invalidParameter', `COPY format "${name}" not recognized`);
}
