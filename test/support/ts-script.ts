import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/**
 * Compiles a TypeScript file and its relative imports into one script that plain Node runs, for tests that need
 * processes of their own (to race, to be killed). Remove it when done.
 */
export async function compileScript(source: URL): Promise<{ path: string; remove(): Promise<void> }> {
  // Inside the checkout, so that the script finds node_modules.
  const folder = fileURLToPath(
    new URL(`../../node_modules/.cache/runlake-test/${randomUUID()}/`, import.meta.url),
  );
  await mkdir(folder, { recursive: true });
  await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      ssr: fileURLToPath(source),
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      target: 'node20',
      rolldownOptions: { output: { entryFileNames: `${basename(source.pathname, '.ts')}.mjs` } },
    },
  });
  const path = `${folder}${basename(source.pathname, '.ts')}.mjs`;
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface FinishedScript {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a compiled script; `done` resolves when it has ended, however it ended. */
export function startScript(
  path: string,
  args: readonly string[],
): { child: ChildProcess; done: Promise<FinishedScript> } {
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const done = new Promise<FinishedScript>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, done };
}
