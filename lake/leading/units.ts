import { createHash } from 'node:crypto';
import { fileStats } from '../log/stats.ts';
import type { VisibleFile } from '../relation.ts';

/** Files that are searched together. What is found in them depends on nothing but `key`. */
export interface Unit {
  readonly key: string;
  readonly files: readonly VisibleFile[];
}

/**
 * Divides the files of a table: a file of many rows is a unit of its own, whose findings outlast every commit; all others, which
 * come and go, are one.
 */
export function unitsOf(files: readonly VisibleFile[], manyRows: number): Unit[] {
  const large: VisibleFile[] = [];
  const small: VisibleFile[] = [];
  for (const file of files) ((fileStats(file.add).numRecords ?? 0) >= manyRows ? large : small).push(file);
  small.sort((a, b) => (a.path < b.path ? -1 : 1));
  return [...large.map((file) => [file]), ...(small.length > 0 ? [small] : [])].map((unit) => ({
    key: digest(unit.map(({ path, onlyIngests }) => [path, onlyIngests && digestOfIngests(onlyIngests)])),
    files: unit,
  }));
}

/** By list, which is made once a file and snapshot and may be long. */
const known = new WeakMap<readonly string[], string>();

function digestOfIngests(ingests: readonly string[]): string {
  let found = known.get(ingests);
  if (found === undefined) {
    found = digest(ingests);
    known.set(ingests, found);
  }
  return found;
}

/** A short text that differs where values do. */
export function digest(value: unknown): string {
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === 'bigint') return { integer: String(item) };
    return typeof item === 'number' && !Number.isFinite(item) ? { number: String(item) } : item;
  });
  return createHash('sha256').update(text).digest('base64url');
}
