import { setMaxListeners } from 'node:events';
import type { Command } from 'commander';
import { type Config, loadConfig } from '../config.ts';
import { UsageError } from '../errors.ts';

/** Options that every command understands. */
export interface CommonOptions {
  readonly store?: string;
  readonly home?: string;
  readonly json?: boolean;
  readonly log?: string;
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('--store <uri>', 'the lake: file:PATH or s3://bucket/prefix [RUNLAKE_STORE]')
    .option('--home <dir>', 'directory of the local cache [RUNLAKE_HOME]')
    .option('--json', 'print one JSON document instead of text');
}

export function configOf(options: CommonOptions & Record<string, unknown>): Config {
  const { store, home, log, host, port, pgPort, pgTlsCert, pgTlsKey, memory, threads } = options;
  const flags = { store, home, log, host, port, pgPort, pgTlsCert, pgTlsKey, memory, threads };
  return loadConfig({ flags }).config;
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

/** A flag's value as a positive whole number. @throws UsageError */
export function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${flag} ${text} is no positive whole number`);
  return value;
}
