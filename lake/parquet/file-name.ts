import { randomUUID } from 'node:crypto';

/** A name for a new data file: never reused, and safe in URIs, shells and file systems. */
export function dataFileName(): string {
  return `part-${randomUUID()}.parquet`;
}

/** A SQL string literal. */
export function sqlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A quoted SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
