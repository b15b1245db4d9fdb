import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const candidate = fileURLToPath(new URL('../../../shared/', import.meta.url));

/**
 * The folder of fixtures that lies beside a checkout, with a trailing slash; undefined where a user has only
 * the repository. In CI its absence is an error, so that the interop tests cannot vanish unnoticed.
 */
export const sharedDir: string | undefined = existsSync(candidate) ? candidate : undefined;

if (sharedDir === undefined && process.env['CI'] !== undefined) {
  throw new Error(`the interop tests need the fixtures folder at ${candidate}`);
}
