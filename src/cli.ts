#!/usr/bin/env node
import './production.ts';
import { Command, CommanderError } from 'commander';
import { addCommands, argumentsOf } from './commands/commands.ts';
import { describeError, errorObject, isUsage } from './errors.ts';

const program = new Command('runlake')
  .description('GraphQL data lake over object storage for LLM experiment runs')
  .version('0.1.0')
  .showHelpAfterError('(runlake <command> --help says more)')
  .exitOverride()
  .addHelpText(
    'after',
    '\nA first session:\n' +
      '  runlake ingest path/to/runs        read, check and store every run below a directory\n' +
      '  runlake sql "select * from runs"   ask in SQL\n' +
      '  runlake serve                      ask in GraphQL at http://127.0.0.1:4000/graphql\n' +
      '\nSettings come from flags, then the environment, then runlake.config.json; `runlake doctor` shows them.\n',
  );
// `runlake sql … | head` is no error: nobody reads on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  const args = argumentsOf(process.argv.slice(2));
  await addCommands(program, args);
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version end with 0; commander has printed what is to be said.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.exitCode = isUsage(error) ? 2 : 1;
    if (process.argv.includes('--json'))
      process.stdout.write(`${JSON.stringify(errorObject(error), null, 2)}\n`);
    process.stderr.write(`${describeError(error)}\n`);
  }
}
