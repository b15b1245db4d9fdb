import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { ROOT } from './scratch.ts';

/** Runs a program to its end and gives what it printed. @throws when it fails */
export async function execute(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ stdout: string; seconds: number; peakBytes: number }> {
  const started = performance.now();
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  let peakBytes = 0;
  // VmHWM is the kernel's own high-water mark, so polling misses only the last moments.
  const poll = setInterval(() => {
    if (child.pid === undefined) return;
    void peakMemory(child.pid).then((bytes) => {
      peakBytes = Math.max(peakBytes, bytes);
    });
  }, 50);
  const [code] = await once(child, 'close');
  clearInterval(poll);
  if (code !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${String(code)}: ${stdout.slice(-2000)}`);
  return { stdout, seconds: (performance.now() - started) / 1000, peakBytes };
}

/** The most resident memory that a process has ever had, in bytes; 0 where the kernel does not say. */
export async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  return kilobytes === undefined ? 0 : Number(kilobytes) * 1024;
}

/** Clock ticks of Linux, which are hundredths of a second wherever Node runs. */
const TICKS = 100;

/** CPU seconds of a process so far, all its threads; 0 where the kernel does not say. */
export async function cpuSecondsOf(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The fields behind the name, which may have blanks and parentheses of its own, begin with the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS;
}

/** A Python process that answers one JSON line for each JSON line. Imports and open files stay warm. */
export class PythonWorker {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;

  constructor(script: string, args: readonly string[] = []) {
    this.#child = spawn('python3', [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async ask(request: unknown): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.answer();
  }

  /** The next line, for a script that speaks first. */
  async answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the Python process ended');
    return JSON.parse(value) as unknown;
  }

  close(): void {
    this.#lines.close();
    this.#child.stdin.end();
  }
}
