import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addCommands, argumentsOf, COMMANDS } from './commands.ts';

/** The program as it is for these arguments; its errors are thrown, and its output is kept. */
async function programFor(args: readonly string[]): Promise<{ program: Command; output: () => string }> {
  let output = '';
  const write = (text: string) => {
    output += text;
  };
  const program = new Command('runlake').exitOverride().configureOutput({ writeOut: write, writeErr: write });
  await addCommands(program, args);
  return { program, output: () => output };
}

it('lists every command in the help, without what belongs to one', async () => {
  const { program, output } = await programFor(['--help']);
  await expect(program.parseAsync(['--help'], { from: 'user' })).rejects.toThrow();
  for (const { usage, summary } of COMMANDS) {
    expect(output()).toContain(usage);
    expect(output().replaceAll(/\s+/g, ' ')).toContain(summary);
  }
  expect(output()).not.toContain('--store');
});

it.each(COMMANDS.map(({ usage }) => usage))('explains %s', async (usage) => {
  const name = usage.split(' ')[0]!;
  for (const args of [
    ['help', name],
    [name, '--help'],
  ]) {
    const { program, output } = await programFor(args);
    await expect(program.parseAsync(args, { from: 'user' })).rejects.toThrow();
    expect(output()).toContain(`Usage: runlake ${name}`);
    expect(output()).toMatch(/--store|Commands:/);
  }
});

it('refuses a name that is no command', async () => {
  const { program, output } = await programFor(['sqll']);
  await expect(program.parseAsync(['sqll'], { from: 'user' })).rejects.toThrow();
  expect(output()).toContain('Did you mean sql?');
});

it('takes SQL that begins with a comment for a statement', async () => {
  const statement = '-- all of them\nSELECT * FROM runs';
  const args = argumentsOf(['sql', statement, '--format', 'csv', '--as-of=2026-01-20 10:00', '--']);
  expect(args).toEqual(['sql', ` ${statement}`, '--format', 'csv', '--as-of=2026-01-20 10:00', '--']);
  const program = new Command('runlake').exitOverride();
  const taken: string[] = [];
  program
    .command('sql <statement>')
    .option('--format <f>')
    .option('--as-of <state>')
    .action((text) => void taken.push(text));
  await program.parseAsync(args, { from: 'user' });
  expect(taken).toEqual([` ${statement}`]);
});
