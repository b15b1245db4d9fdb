import { gzipSync } from 'node:zlib';

/** Byte 9 of a gzip header names the operating system; 255 says that it does not matter. */
const OS_OFFSET = 9;
const OS_UNKNOWN = 255;

/**
 * A gzip member that depends on its content only: no name, no time (RFC 1952: MTIME 0), no operating system.
 * Other builds of zlib may compress the same content to other bytes, so what is compared across machines is the content.
 */
export function reproducibleGzip(content: Uint8Array): Uint8Array {
  const member = gzipSync(content, { level: 9 });
  member[OS_OFFSET] = OS_UNKNOWN;
  return member;
}
