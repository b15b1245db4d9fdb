import { WireError } from '../../protocol/sqlstate.ts';
import type { Command } from './command.ts';
import type { Words } from './words.ts';

/** What follows DECLARE. */
export function declareCommand(words: Words): Command {
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
export function fetchCount(words: Words): { name: string; count: number } {
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
