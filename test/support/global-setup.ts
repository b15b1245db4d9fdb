import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
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
  const python = await startPython();
  project.provide('pythonSocket', python.socket);
  return async () => {
    await python.stop();
    if (existsSync(folder)) await stopS3Server(folder);
    await removeScripts();
  };
}

/** Starts python_server.py, which ends with this process. Where there is no Python nobody asks for it. */
async function startPython(): Promise<{ readonly socket: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'runlake-python-'));
  const socket = join(folder, 'socket');
  const server = spawn('python3', [fileURLToPath(new URL('./python_server.py', import.meta.url)), socket], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // Not 'close': scripts that are killed together with their test may hold its output open.
  const ended = once(server, 'exit').catch(() => undefined);
  await Promise.race([once(server.stdout, 'data'), ended]);
  return {
    socket,
    async stop() {
      server.stdin.destroy();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
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
    /** Where python_server.py listens. */
    pythonSocket: string;
  }
}
