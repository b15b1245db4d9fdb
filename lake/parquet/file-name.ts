import { randomUUID } from 'node:crypto';

/** A name for a new data file: never reused, and safe in URIs, shells and file systems. */
export function dataFileName(): string {
  return `part-${randomUUID()}.parquet`;
}
