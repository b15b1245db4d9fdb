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
  /** How many times a piece of work is killed. One that gets through all the same is followed by a new one. */
  readonly kills: number;
  /**
   * Pieces that a process does side by side, so that a kill of it is one of each that is not done; default 1. With more, short
   * work takes less time than loading its program; the script calls `assignments` then.
   */
  readonly together?: number;
  /** Makes ready what a piece of work needs in a new directory; gives what its processes are told. Default: the directory. */
  prepare?(directory: string): Promise<readonly string[]>;
  /** What has come of a piece of work, to be compared. Cheap: it is asked for after every piece. */
  result(directory: string): Promise<Result>;
}

/** A process, from its start on: it may end before it is told anything. */
interface Started {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly errors: Promise<string>;
}

/** Pieces of work that are done at the same time. */
const LANES = Math.min(2, availableParallelism());

/** Its multiples, taken modulo 1, are spread evenly however many there are. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

interface Piece {
  readonly directory: string;
  readonly told: readonly string[];
}

/**
 * Does pieces of work undisturbed, then others by processes that are killed with SIGKILL at moments spread over the time
 * that the work takes, each followed by one that goes on. Expects of every piece the result of the first, and gives it.
 */
export async function survivesKills<Result>(work: KilledWork<Result>): Promise<Result> {
  const { script, kills, together = 1 } = work;
  const processes = await Processes.of(script);
  const root = mkdtempSync(join(tmpdir(), 'runlake-kills-'));
  let alone = 0;
  let span = 0;
  let left = kills;
  let moment = Math.random();
  const begin = async (): Promise<Piece> => {
    const directory = mkdtempSync(join(root, 'piece-'));
    return { directory, told: (await work.prepare?.(directory)) ?? [directory] };
  };
  const end = async ({ directory }: Piece): Promise<Result> => {
    const result = await work.result(directory);
    rmSync(directory, { recursive: true });
    return result;
  };
  /** Has a process work on the pieces; gives those that it was killed at. */
  const run = async (pieces: readonly Piece[], disturbed: boolean): Promise<Piece[]> => {
    moment = (moment + GOLDEN_RATIO) % 1;
    const told = pieces.map((piece) => piece.told);
    const { done, ms } = await processes.run(told, disturbed ? moment * span : undefined);
    if (done === undefined) {
      alone ||= ms;
      // Beside another lane work takes up to twice as long; what took longer was held up by something else.
      span = Math.min(2 * alone, Math.max(span, ms));
    }
    return pieces.filter((_, i) => done?.has(i) === false);
  };
  const lane = async (undisturbed: Result): Promise<void> => {
    let open: Piece[] = [];
    while (left > 0 || open.length > 0) {
      const disturbed = left > 0;
      while (disturbed && open.length < together) open.push(await begin());
      const killed = await run(open, disturbed);
      left = Math.max(0, left - killed.length);
      for (const piece of open.filter((one) => !killed.includes(one))) {
        expect(await end(piece)).toEqual(undisturbed);
      }
      open = killed;
    }
  };
  try {
    const first = await Promise.all(Array.from({ length: together }, begin));
    await run(first, false);
    const [undisturbed, ...others] = await Promise.all(first.map(end));
    if (undisturbed === undefined) throw new RangeError('no pieces of work');
    for (const other of others) expect(other).toEqual(undisturbed);
    await Promise.all(Array.from({ length: LANES }, () => lane(undisturbed)));
    return undisturbed;
  } finally {
    await processes.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** Processes of one script. The next ones load it while others work: short work takes less time than loading. */
class Processes {
  readonly #script: string;
  readonly #waiting: Started[];
  readonly #working = new Set<Started>();

  private constructor(script: string) {
    this.#script = script;
    this.#waiting = Array.from({ length: LANES }, () => this.#start());
  }

  static async of(source: URL): Promise<Processes> {
    return new Processes(await compileScript(source));
  }

  /**
   * Has a process do what it is told, and kills it so long after it began.
   * @returns which pieces it had done when it was killed, undefined where it got through; and how long it worked
   * @throws Error when it ends with another code than 0
   */
  async run(
    told: readonly (readonly string[])[],
    killAfterMs?: number,
  ): Promise<{ done: ReadonlySet<number> | undefined; ms: number }> {
    this.#waiting.push(this.#start());
    const started = this.#waiting.shift()!;
    this.#working.add(started);
    const { child, ended, errors } = started;
    const working = new AbortController();
    child.stdin.end(told.map((piece) => `${JSON.stringify(piece)}\n`).join(''));
    const begun = once(child.stdout, 'readable', { signal: working.signal });
    await Promise.race([begun, ended]);
    const began = performance.now();
    const said = text(child.stdout);
    if (killAfterMs !== undefined) {
      const due = sleep(killAfterMs, undefined, { signal: working.signal }).then(() => child.kill('SIGKILL'));
      due.catch(() => undefined);
    }
    const { code, signal } = await ended;
    working.abort();
    this.#working.delete(started);
    const ms = performance.now() - began;
    if (killAfterMs !== undefined && signal === 'SIGKILL') {
      return { done: new Set(Array.from((await said).matchAll(/^done (\d+)$/gm), ([, i]) => Number(i))), ms };
    }
    if (code !== 0) throw new Error(`a process ended with ${code ?? signal}: ${await errors}`);
    return { done: undefined, ms };
  }

  async close(): Promise<void> {
    const left = [...this.#waiting, ...this.#working];
    for (const { child } of left) child.kill('SIGKILL');
    await Promise.all(left.map(({ ended }) => ended));
  }

  #start(): Started {
    const child = spawn(process.execPath, [this.#script], { stdio: 'pipe' });
    const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
    // What it is told after it has ended nobody reads; how it ended says why.
    child.stdin.on('error', () => undefined);
    return { child, ended, errors: text(child.stderr) };
  }
}
