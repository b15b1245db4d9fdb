import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { livenessOf, processIdentity } from '../../lake/store/process-identity.ts';
import { stopCeph } from './ceph.ts';

/** The state folder of a test run's S3 server; see s3-server.ts. Loads nothing heavy: every run pays for it. */
const folderPrefix = 'runlake-ceph-';

/** Not a folder of the run alone: the next one has to find what this one left. */
const place = '/tmp';

/** A folder name that tells later runs whose it is. Nothing is created yet. */
export function newStateFolder(): string {
  return join(place, `${folderPrefix}${processIdentity()}.${randomUUID().slice(0, 8)}`);
}

/** Stops the run's server if it was ever started. */
export async function stopS3Server(stateFolder: string): Promise<void> {
  await stopCeph(join(stateFolder, 'ceph'));
  await rm(stateFolder, { recursive: true, force: true });
}

/** Stops servers whose test run was killed before it could. */
export async function stopOrphans(): Promise<void> {
  for (const name of await readdir(place)) {
    const owner = name.startsWith(folderPrefix) ? name.slice(folderPrefix.length) : undefined;
    if (owner !== undefined && livenessOf(owner) === 'dead') await stopS3Server(join(place, name));
  }
}

declare module 'vitest' {
  interface ProvidedContext {
    /** For `s3Server(inject('s3StateFolder'))`. */
    s3StateFolder: string;
  }
}
