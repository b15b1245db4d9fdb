import { execFileSync } from 'node:child_process';

const present = new Map<string, boolean>();

/**
 * Whether `python3` can import these modules (test/requirements.txt says which versions). Parity tests skip without
 * them on a user's machine; in CI their absence is an error, so that the tests cannot vanish unnoticed.
 */
export function hasPython(...modules: readonly string[]): boolean {
  const key = modules.join(',');
  let found = present.get(key);
  if (found === undefined) {
    try {
      execFileSync('python3', ['-c', modules.map((name) => `import ${name}`).join('\n')], { stdio: 'pipe' });
      found = true;
    } catch (error) {
      if (process.env['CI'] !== undefined) {
        throw new Error(`python3 cannot import ${key}: pip install -r test/requirements.txt`, {
          cause: error,
        });
      }
      found = false;
    }
    present.set(key, found);
  }
  return found;
}

/** Runs a Python script and parses what it prints as JSON. */
export function pythonJson(script: string, args: readonly string[] = [], input?: string): unknown {
  const output = execFileSync('python3', ['-c', script, ...args], {
    encoding: 'utf8',
    input: input ?? '',
    maxBuffer: 1 << 30,
  });
  return JSON.parse(output);
}
