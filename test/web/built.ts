import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { madeOnce } from '../support/made-once.ts';

const sources = fileURLToPath(new URL('../../web/', import.meta.url));
const VITE = fileURLToPath(new URL('../../node_modules/vite/bin/vite.js', import.meta.url));
const shipped = fileURLToPath(new URL('../../dist/web/', import.meta.url));

/** The folder of the explorer as its sources are now: what `npm run build` made, or one of this test run. */
export async function builtExplorer(): Promise<string> {
  const made = await stat(join(shipped, 'index.html')).catch(() => undefined);
  if (made !== undefined && made.mtimeMs > (await lastChange(sources))) return shipped;
  return madeOnce('web', async (outDir) => {
    // In a process of its own: here NODE_ENV says "test", for which there is another React.
    await promisify(execFile)(process.execPath, [VITE, 'build', sources, '--outDir', outDir], {
      env: { ...process.env, NODE_ENV: 'production' },
    });
  });
}

async function lastChange(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const times = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).mtimeMs);
  return Math.max(...(await Promise.all(times)));
}
