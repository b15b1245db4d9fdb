import type { StatementText } from '../../../../lake/engine/lexer.ts';
import { WireError } from '../../protocol/sqlstate.ts';
import type { Command } from './command.ts';
import { copyCommand } from './copy.ts';
import { declareCommand, fetchCount } from './cursors.ts';
import { executeCommand, prepareCommand } from './prepared.ts';
import { setCommand, settingName, showCommand } from './settings.ts';
import { Words } from './words.ts';

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
