import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Whether `python3` has all these modules (test/requirements.txt lists them). In CI a missing one is an error, so
 * that comparisons with independent programs cannot vanish unnoticed.
 */
export function pythonHas(...modules: string[]): boolean {
  const { status } = spawnSync('python3', ['-c', modules.map((name) => `import ${name}`).join('\n')]);
  if (status !== 0 && process.env['CI'] !== undefined) {
    throw new Error(
      `these tests need python3 with ${modules.join(', ')}: pip install -r test/requirements.txt`,
    );
  }
  return status === 0;
}

/** Runs a script and answers what it printed; rejects with its traceback. */
export async function runPython(script: string, args: readonly string[] = []): Promise<string> {
  const { stdout } = await promisify(execFile)('python3', [script, ...args], { maxBuffer: 1 << 28 });
  return stdout;
}
