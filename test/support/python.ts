import { type ExecFileSyncOptions, execFile, execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inject } from 'vitest';

const CLIENT = fileURLToPath(new URL('./python_client.py', import.meta.url));

const present = new Map<string, boolean>();

/** Looks modules up without running them: importing torch alone takes seconds. */
const LOOK_UP = 'import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, sys.argv[1:])))';

/**
 * Whether `python3` has all these modules (test/requirements.txt lists them). In CI a missing one is an error, so
 * that comparisons with independent programs cannot vanish unnoticed.
 */
export function pythonHas(...modules: string[]): boolean {
  const key = modules.join(', ');
  let found = present.get(key);
  if (found === undefined) {
    found = spawnSync('python3', ['-c', LOOK_UP, ...modules]).status === 0;
    present.set(key, found);
  }
  if (!found && process.env['CI'] !== undefined) {
    throw new Error(`these tests need python3 with ${key}: pip install -r test/requirements.txt`);
  }
  return found;
}

/** What `python3` is given to run these arguments in a process with its packages imported already (python_server.py). */
function commandOf(args: readonly string[]): string[] {
  // Without what it does not need it starts in half of the time.
  return ['-I', '-S', CLIENT, inject('pythonSocket'), ...args];
}

/**
 * Runs a script and answers what it printed; rejects with its traceback.
 * @param script a file, or `-c`: its source is the first of `args` then
 */
export async function runPython(
  script: string,
  args: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)('python3', commandOf([script, ...args]), {
    maxBuffer: 1 << 28,
    env: { ...process.env, ...environment },
  });
  return stdout;
}

/** What Python prints with these arguments. @throws Error with its traceback */
export function pythonBytes(args: readonly string[], options: ExecFileSyncOptions = {}): Buffer {
  return execFileSync('python3', commandOf(args), { maxBuffer: 1 << 28, ...options, encoding: 'buffer' });
}

/** What Python prints with these arguments, line by line; nothing without the modules, and tests of it are to be skipped. */
export function pythonLines(modules: readonly string[], args: readonly string[]): string[] {
  if (!pythonHas(...modules)) return [];
  return pythonBytes(args).toString('latin1').trim().split('\n');
}

/** Runs Python source and parses what it prints as JSON. */
export function pythonJson(source: string, args: readonly string[] = []): unknown {
  return JSON.parse(pythonBytes(['-c', source, ...args]).toString('utf8'));
}
