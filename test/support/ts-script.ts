import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { madeOnce } from './made-once.ts';

/** Packages that find their own files, or native code, where they are installed. */
const INSTALLED = ['@duckdb/node-bindings', 'lmdb', 'onnxruntime-node', 'pg', 'pg-boss'];

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Compiles a TypeScript file and what it imports into a script that plain Node runs, for tests that need processes of
 * their own (to race, to be killed). With the packages in it a process starts twice as fast: Node would look for hundreds of
 * files, and parse those that are CommonJS twice. Done once a test run.
 * @returns its path
 */
export async function compileScript(source: URL): Promise<string> {
  return join(await compileScripts([source]), scriptName(source));
}

/** Compiles files that find each other in one folder, as TypeScript would name them. @returns the folder */
export async function compileScripts(sources: readonly URL[]): Promise<string> {
  const paths = sources.map((source) => fileURLToPath(source));
  const names = paths.map((path) => path.slice(ROOT.length).replaceAll('/', '-'));
  return madeOnce(names.join('+'), async (folder) => {
    // Loaded by those who compile only.
    const { build } = await import('vite');
    // Below node_modules no package.json says that a .js file is a module.
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await build({
      configFile: false,
      logLevel: 'warn',
      // One copy of graphql for all, as for the tests: it refuses schemas of another.
      resolve: { alias: [{ find: /^graphql$/, replacement: join(ROOT, 'node_modules/graphql/index.js') }] },
      ssr: { noExternal: true, external: INSTALLED },
      build: {
        ssr: true,
        outDir: folder,
        emptyOutDir: false,
        minify: false,
        target: 'node20',
        rolldownOptions: {
          input: paths,
          output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
        },
      },
    });
  });
}

/** The name of a source's script in the folder. */
export function scriptName(source: URL): string {
  return `${basename(source.pathname, '.ts')}.js`;
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
