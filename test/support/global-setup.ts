import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { livenessOf, processIdentity } from '../../lake/store/process-identity.ts';
import { sharedDir } from './shared.ts';

/** What test runs compile, a folder each. */
const SCRIPTS = fileURLToPath(new URL('../../node_modules/.cache/runlake-test/', import.meta.url));

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (sharedDir === undefined) {
    console.warn('notice: no ../shared folder, so the tests against recorded artifacts are skipped');
  }
  const { newStateFolder, stopOrphans, stopS3Server } = await import('./s3-state.ts');
  await stopOrphans();
  const folder = newStateFolder();
  project.provide('s3StateFolder', folder);
  await removeOrphans();
  // The same for all projects of the run.
  const scripts = join(SCRIPTS, processIdentity());
  const removeScripts = () => rm(scripts, { recursive: true, force: true });
  project.provide('scriptsFolder', scripts);
  project.onTestsRerun(removeScripts);
  return async () => {
    if (existsSync(folder)) await stopS3Server(folder);
    await removeScripts();
  };
}

/** Removes what runs compiled that were killed. */
async function removeOrphans(): Promise<void> {
  for (const name of await readdir(SCRIPTS).catch(() => []))
    if (livenessOf(name) === 'dead') await rm(join(SCRIPTS, name), { recursive: true, force: true });
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `compileScript` keeps what it has compiled in this run. */
    scriptsFolder: string;
  }
}
