import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout, whether this file runs from it or from `dist`. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(start: string): string {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (dirname(directory) === directory) throw new Error('found no package.json above this script');
  }
}

export function pythonScript(name: string): string {
  return join(ROOT, 'bench', 'python', name);
}

/**
 * A directory of inputs that is made once and used by every bench that asks for the same name. A run that was
 * interrupted while making it leaves nothing that looks finished.
 */
export async function dataset(
  scratch: string,
  name: string,
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const directory = join(scratch, name);
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await make(unfinished);
  await rename(unfinished, directory);
  return directory;
}

/** An empty directory. */
export async function emptied(directory: string): Promise<string> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  return directory;
}
