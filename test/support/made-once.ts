import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';

/**
 * A folder that is made once a test run, by who needs it first. Who makes the same at the same moment does it in vain.
 * @param make fills the empty folder that it is given
 * @returns its path, inside the checkout, so that scripts in it find node_modules
 */
export async function madeOnce(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(inject('scriptsFolder'), name);
  if (existsSync(folder)) return folder;
  const own = `${folder}.${randomUUID()}`;
  await mkdir(own, { recursive: true });
  await make(own);
  await rename(own, folder).catch((error: unknown) => {
    if (!existsSync(folder)) throw error;
    return rm(own, { recursive: true });
  });
  return folder;
}
