import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const told = z.array(z.string());

/*
 * For scripts of `survivesKills`: they wait until the test says what is to be done, and tell it that the work begins. What is
 * loaded before is no part of the work.
 */

/** What the process is to do. */
export async function assignment(): Promise<readonly string[]> {
  const [line] = await once(process.stdin.setEncoding('utf8'), 'data');
  process.stdin.destroy();
  process.stdout.write('begun\n');
  return told.parse(JSON.parse(String(line)));
}

/** Does several pieces of work at the same time, and tells the test which are done. */
export async function assignments(work: (told: readonly string[]) => Promise<void>): Promise<void> {
  const lines = (await text(process.stdin)).trim().split('\n');
  process.stdout.write('begun\n');
  const piece = async (line: string, i: number): Promise<void> => {
    await work(told.parse(JSON.parse(line)));
    process.stdout.write(`done ${i}\n`);
  };
  await Promise.all(lines.map(piece));
}
