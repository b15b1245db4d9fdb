import { setMaxListeners } from 'node:events';
import { type Command, Option } from 'commander';
import { parseAsOf } from '../../lake/as-of.ts';
import type { AsOf } from '../../lake/engine/types.ts';
import { type Config, type ConfigSources, loadConfig } from '../config.ts';
import { UsageError } from '../errors.ts';

/** Options that every command understands. */
export interface CommonOptions {
  readonly store?: string;
  readonly home?: string;
  readonly json?: boolean;
  readonly log?: string;
}

/** Options of a command that reads a state of the lake. */
export interface AsOfOptions extends CommonOptions {
  readonly asOf?: AsOf;
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('--store <uri>', 'the lake: file:PATH or s3://bucket/prefix [RUNLAKE_STORE]')
    .option('--home <dir>', 'directory of the local cache [RUNLAKE_HOME]')
    .option('--json', 'print one JSON document instead of text');
}

/** The option of `AsOfOptions`. */
export function asOfOption(): Option {
  return new Option(
    '--as-of <state>',
    'an older state: a version of runs, an ISO time, or a snapshot token',
  ).argParser(parseAsOf);
}

/** The configuration of a command: those of its options that are settings count before all else. @throws ConfigError */
export function configOf(options: NonNullable<ConfigSources['flags']>): Config {
  return loadConfig({ flags: options }).config;
}

/** A signal that SIGINT and SIGTERM abort; a second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  // Every request to a store listens to it for a while, many at a time.
  setMaxListeners(0, controller.signal);
  let asked = false;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (asked) process.exit(130);
      asked = true;
      controller.abort(name);
    });
  }
  return controller.signal;
}

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v), 2));
}

/** Prints an answer: as one JSON document when that is asked for, else as what `text` makes of it. */
export function printAnswer<T>({ json }: CommonOptions, answer: T, text: (answer: T) => string): void {
  if (json) printJson(answer);
  else print(text(answer));
}

/** A flag's value as a positive whole number. @throws UsageError */
export function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${flag} ${text} is no positive whole number`);
  return value;
}
