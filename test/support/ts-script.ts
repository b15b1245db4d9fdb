import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** Packages that find their own files, or native code, where they are installed. */
const INSTALLED = ['@duckdb/node-bindings', 'lmdb', 'onnxruntime-node', 'pg', 'pg-boss'];

const GRAPHQL = fileURLToPath(new URL('../../node_modules/graphql/index.js', import.meta.url));

/**
 * Compiles a TypeScript file and what it imports into a script that plain Node runs, for tests that need processes of
 * their own (to race, to be killed). With the packages in it a process starts twice as fast: Node would look for hundreds of
 * files, and parse those that are CommonJS twice. Remove it when done.
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
    // One copy of graphql for all, as for the tests: it refuses schemas of another.
    resolve: { alias: [{ find: /^graphql$/, replacement: GRAPHQL }] },
    ssr: { noExternal: true, external: INSTALLED },
    build: {
      ssr: fileURLToPath(source),
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      target: 'node20',
      rolldownOptions: {
        output: {
          entryFileNames: `${basename(source.pathname, '.ts')}.mjs`,
          // Below node_modules no package.json says that a .js file is a module.
          chunkFileNames: '[name]-[hash].mjs',
        },
      },
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
