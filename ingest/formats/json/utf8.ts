import { isUtf8 } from 'node:buffer';

/** The text of bytes that are valid UTF-8; undefined when they are not. A byte order mark stays in the text. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** Offset of the first byte that does not continue valid UTF-8; the length when all are valid. */
export function invalidUtf8Offset(bytes: Uint8Array): number {
  // Valid prefixes are a sorted property up to three bytes of an unfinished character, so halving finds the spot.
  let low = 0;
  let high = bytes.length;
  while (high - low > 64) {
    const middle = characterStart(bytes, (low + high) >> 1);
    if (middle <= low) break;
    if (isUtf8(bytes.subarray(low, middle))) low = middle;
    else high = middle;
  }
  while (low < bytes.length) {
    let length = 1;
    while (length < 4 && !isUtf8(bytes.subarray(low, low + length))) length++;
    if (low + length > bytes.length || !isUtf8(bytes.subarray(low, low + length))) return low;
    low += length;
  }
  return low;
}

/** The start of the character around `at`, or `at` where no character can be. */
function characterStart(bytes: Uint8Array, at: number): number {
  for (let back = 0; back < 4 && at - back >= 0; back++) {
    if ((bytes[at - back]! & 0xc0) !== 0x80) return at - back;
  }
  return at;
}
