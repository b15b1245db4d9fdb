import { identifier, stringValue, type Token } from '../../../../lake/engine/lexer.ts';
import { WireError } from '../../protocol/sqlstate.ts';
import { isWord } from '../dialect.ts';
import type { Command } from './command.ts';
import type { Words } from './words.ts';

/** DuckDB's own SHOW statements, which the lake answers. */
const LISTINGS = new Set(['tables', 'databases', 'schemas', 'columns']);

/** The name of a setting, of one word or several. */
export function settingName(words: Words): string {
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

/** What follows SET. */
export function setCommand(words: Words): Command {
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

/** What follows SHOW; undefined for what the lake answers. */
export function showCommand(words: Words): Command | undefined {
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
