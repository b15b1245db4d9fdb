import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compileScripts, scriptName } from './ts-script.ts';

const CLI = new URL('../../src/cli.ts', import.meta.url);
const MODEL_HOST = new URL('../../compute/model/engine/host.ts', import.meta.url);

/** A process of the command line that goes on until it is told to end. */
export interface CliProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | NodeJS.Signals | null>;
  /** The first line of its log with this message, as it came or comes. @throws Error when it ends without */
  logged(message: string): Promise<Readonly<Record<string, unknown>>>;
}

/** The command line as a script, with the model's process beside it as in a build. */
export interface Cli {
  readonly path: string;
  readonly modelHost: string;
  start(args: readonly string[], env: Readonly<Record<string, string>>): CliProcess;
  /** Kills what still runs. */
  remove(): Promise<void>;
}

export async function compileCli(): Promise<Cli> {
  const folder = await compileScripts([CLI, MODEL_HOST]);
  const path = join(folder, scriptName(CLI));
  const started: CliProcess[] = [];
  return {
    path,
    modelHost: join(folder, scriptName(MODEL_HOST)),
    start(args, env) {
      const process = startCli(path, args, env);
      started.push(process);
      return process;
    },
    async remove() {
      for (const { child } of started) child.kill('SIGKILL');
      await Promise.all(started.map(({ exited }) => exited));
    },
  };
}

/** Starts the command line that lies at `path`; whoever does ends it. */
export function startCli(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): CliProcess {
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close').then(([code, signal]) => signal ?? code);
  const lines: string[] = [];
  let wake = new AbortController();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      wake.abort();
      wake = new AbortController();
    });
  }
  let ended = false;
  void exited.then(() => {
    ended = true;
    wake.abort();
  });
  return {
    child,
    exited,
    async logged(message) {
      for (let next = 0; ; next++) {
        while (next === lines.length) {
          if (ended) throw new Error(`it ended without ${message}: ${lines.join('\n')}`);
          await once(wake.signal, 'abort');
        }
        const record = parsed(lines[next]!);
        if (record?.['msg'] === message) return record;
      }
    },
  };
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  return JSON.parse(line) as Readonly<Record<string, unknown>>;
}
