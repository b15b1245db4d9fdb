import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { compileScript } from './ts-script.ts';

/** Work that has to come to the same end however often its processes are killed. */
export interface KilledWork<Result> {
  /** The module whose processes do it: it begins with `assignment` of victim.ts and ends with code 0 when all is done. */
  readonly script: URL;
  /** How many processes are killed. A piece of work that gets through all the same is followed by a new one. */
  readonly kills: number;
  /** Makes ready what a piece of work needs in a new directory; gives what its processes are told. Default: the directory. */
  prepare?(directory: string): Promise<readonly string[]>;
  /** What has come of a piece of work, to be compared. Cheap: it is asked for after every piece. */
  result(directory: string): Promise<Result>;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Pieces of work that are done at the same time. */
const LANES = Math.min(2, availableParallelism());

/** Its multiples, taken modulo 1, are spread evenly however many there are. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/**
 * Does a piece of work undisturbed, then others by processes that are killed with SIGKILL at moments spread over the time
 * that the work takes, each followed by one that goes on. Expects of every piece the result of the first, and gives it.
 */
export async function survivesKills<Result>(work: KilledWork<Result>): Promise<Result> {
  const processes = await Processes.of(work.script);
  const root = mkdtempSync(join(tmpdir(), 'runlake-kills-'));
  let span = 0;
  let left = work.kills;
  let moment = Math.random();
  /** When the next process is to be killed, in ms after it began; undefined for never. */
  const nextKill = (): number | undefined => {
    if (left === 0) return undefined;
    left -= 1;
    moment = (moment + GOLDEN_RATIO) % 1;
    return moment * span;
  };
  const piece = async (disturbed: boolean): Promise<Result> => {
    const directory = mkdtempSync(join(root, 'piece-'));
    const told = (await work.prepare?.(directory)) ?? [directory];
    for (;;) {
      const killAfter = disturbed ? nextKill() : undefined;
      const ended = await processes.run(told, killAfter);
      if (ended.killed) continue;
      if (killAfter !== undefined) left += 1;
      span = Math.max(span, ended.ms);
      break;
    }
    const result = await work.result(directory);
    rmSync(directory, { recursive: true });
    return result;
  };
  try {
    const undisturbed = await piece(false);
    const lane = async () => {
      while (left > 0) expect(await piece(true)).toEqual(undisturbed);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return undisturbed;
  } finally {
    await processes.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** Processes of one script. The next ones load it while others work: short work takes less time than loading. */
class Processes {
  readonly #script: { readonly path: string; remove(): Promise<void> };
  readonly #waiting: Child[];
  readonly #working = new Set<Child>();

  private constructor(script: { readonly path: string; remove(): Promise<void> }) {
    this.#script = script;
    this.#waiting = Array.from({ length: LANES }, () => this.#start());
  }

  static async of(source: URL): Promise<Processes> {
    return new Processes(await compileScript(source));
  }

  /**
   * Has a process do what it is told, and kills it so long after it began.
   * @returns whether it was killed before it ended, and how long it worked
   * @throws Error when it ends with another code than 0
   */
  async run(told: readonly string[], killAfterMs?: number): Promise<{ killed: boolean; ms: number }> {
    this.#waiting.push(this.#start());
    const child = this.#waiting.shift()!;
    this.#working.add(child);
    const ended = once(child, 'close');
    const done = new AbortController();
    const said = text(child.stderr);
    child.stdin.end(`${JSON.stringify(told)}\n`);
    await Promise.race([once(child.stdout, 'data', { signal: done.signal }), ended]);
    const began = performance.now();
    if (killAfterMs !== undefined) {
      const due = sleep(killAfterMs, undefined, { signal: done.signal }).then(() => child.kill('SIGKILL'));
      due.catch(() => undefined);
    }
    child.stdout.resume();
    const [code, signal] = await ended;
    done.abort();
    this.#working.delete(child);
    const killed = killAfterMs !== undefined && signal === 'SIGKILL';
    if (!killed && code !== 0) throw new Error(`a process ended with ${code ?? signal}: ${await said}`);
    return { killed, ms: performance.now() - began };
  }

  async close(): Promise<void> {
    const left = [...this.#waiting, ...this.#working].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const ended = left.map((child) => once(child, 'exit'));
    for (const child of left) child.kill('SIGKILL');
    await Promise.all(ended);
    await this.#script.remove();
  }

  #start(): Child {
    return spawn(process.execPath, [this.#script.path], { stdio: 'pipe' });
  }
}
