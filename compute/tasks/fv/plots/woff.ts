import { inflateSync } from 'node:zlib';

const HEADER = 44;
const ENTRY = 20;
const SFNT_HEADER = 12;
const SFNT_ENTRY = 16;

/**
 * The font inside a WOFF file of version 1: the same tables, each inflated, behind the directory that TrueType has. Meant for fonts
 * that come with the program: nothing is checked.
 * @see https://www.w3.org/TR/WOFF/
 */
export function sfntOfWoff(woff: Buffer): Uint8Array {
  const count = woff.readUInt16BE(12);
  const directory = Buffer.alloc(SFNT_HEADER + SFNT_ENTRY * count);
  // The searching aids in the rest of the header are optional to readers.
  woff.copy(directory, 0, 4, 8);
  directory.writeUInt16BE(count, 4);
  const parts: Buffer[] = [directory];
  let at = directory.length;
  for (let i = 0; i < count; i++) {
    const entry = HEADER + ENTRY * i;
    const [offset, packed, size, checksum] = [4, 8, 12, 16].map((field) => woff.readUInt32BE(entry + field));
    const stored = woff.subarray(offset, offset! + packed!);
    const table = packed! < size! ? inflateSync(stored) : stored;
    const place = SFNT_HEADER + SFNT_ENTRY * i;
    woff.copy(directory, place, entry, entry + 4);
    directory.writeUInt32BE(checksum!, place + 4);
    directory.writeUInt32BE(at, place + 8);
    directory.writeUInt32BE(table.length, place + 12);
    const padding = Buffer.alloc(-table.length & 3);
    parts.push(table, padding);
    at += table.length + padding.length;
  }
  return Buffer.concat(parts);
}
