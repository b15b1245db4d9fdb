import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { livenessOf, processIdentity } from '../../lake/store/process-identity.ts';

/** Linux keeps what lies here in memory. */
const MEMORY = '/dev/shm';
const PREFIX = 'runlake-test-';

/** Many times what a run needs; containers often have 64 MB. */
const ENOUGH_BYTES = 2 ** 30;

/**
 * Has this process, and those that it starts, keep temporary files in memory, in a folder that goes with the process. Stores and queues
 * sync everything that they write, which takes a disk milliseconds each time; what tests kill are processes, and no file is lost with them.
 * Where there is not enough memory for it, or `TMPDIR` names another place, nothing changes.
 */
export function keepTemporaryFilesInMemory(): void {
  if (process.env['TMPDIR'] !== undefined || !existsSync(MEMORY)) return;
  removeOrphans();
  const { bavail, bsize } = statfsSync(MEMORY);
  if (bavail * bsize < ENOUGH_BYTES) return;
  const folder = join(MEMORY, PREFIX + processIdentity());
  mkdirSync(folder, { recursive: true });
  process.once('exit', () => remove(folder));
  process.env['TMPDIR'] = folder;
}

/** Removes what runs left that were killed. */
function removeOrphans(): void {
  for (const name of readdirSync(MEMORY))
    if (name.startsWith(PREFIX) && livenessOf(name.slice(PREFIX.length)) === 'dead')
      remove(join(MEMORY, name));
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's, or another run removes it too.
  }
}
