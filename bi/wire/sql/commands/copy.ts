import { type StatementText, stringValue } from '../../../../lake/engine/lexer.ts';
import { WireError } from '../../protocol/sqlstate.ts';
import type { Command, CopyOptions } from './command.ts';
import { Words } from './words.ts';

/** What follows COPY. */
export function copyCommand(words: Words): Command {
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
