import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

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

/** Runs a script file and answers what it printed; rejects with its traceback. */
export async function runPython(
  script: string,
  args: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)('python3', [script, ...args], {
    maxBuffer: 1 << 28,
    env: { ...process.env, ...environment },
  });
  return stdout;
}

/** What Python prints with these arguments, line by line; nothing without the modules, and tests of it are to be skipped. */
export function pythonLines(modules: readonly string[], args: readonly string[]): string[] {
  if (!pythonHas(...modules)) return [];
  return execFileSync('python3', args, { encoding: 'latin1', maxBuffer: 1 << 28 })
    .trim()
    .split('\n');
}

/** Runs Python source and parses what it prints as JSON. */
export function pythonJson(source: string, args: readonly string[] = []): unknown {
  return JSON.parse(
    execFileSync('python3', ['-c', source, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 }),
  );
}
