import { createHash } from 'node:crypto';

/** A seed of 64 bits for a purpose of its own, so that what one draws leaves what others draw as it is. @param parts JSON values */
export function derivedSeed(...parts: readonly unknown[]): bigint {
  return createHash('sha256').update(JSON.stringify(parts)).digest().readBigUInt64BE();
}
