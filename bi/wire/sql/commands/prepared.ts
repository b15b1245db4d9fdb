import { identifier, type StatementText } from '../../../../lake/engine/lexer.ts';
import { WireError } from '../../protocol/sqlstate.ts';
import type { Command } from './command.ts';
import type { Words } from './words.ts';

/** What follows PREPARE. */
export function prepareCommand(words: Words): Command {
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

/** What follows EXECUTE. */
export function executeCommand(words: Words): Command {
  const name = words.name();
  const args = words.next?.text === '(' ? words.parenthesised() : undefined;
  words.end();
  return { kind: 'execute', name, args };
}
