import { inflateRawSync } from 'node:zlib';
import type { ByteSource } from '../bytes/byte-source.ts';
import { FormatError } from '../errors.ts';
import { crc32 } from './crc32.ts';

/** A member of a zip archive. Sizes and offsets in bytes. */
export interface ZipEntry {
  readonly name: string;
  readonly stored: boolean;
  readonly compressedSize: number;
  readonly size: number;
  readonly crc: number;
  readonly headerOffset: number;
}

const endSize = 22;
const maxComment = 65_535;
const maxDirectory = 64 * 1024 * 1024;
const maxRatio = 1_032;

const corrupt = (message: string, byteOffset?: number) =>
  new FormatError('ZIP_CORRUPT', message, byteOffset === undefined ? {} : { byteOffset });

const utf8 = new TextDecoder('utf-8', { fatal: true });

class Fields {
  private readonly view: DataView;
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  u16 = (at: number) => this.view.getUint16(at, true);
  u32 = (at: number) => this.view.getUint32(at, true);
  u64(at: number): number {
    const value = this.view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(`a size or offset of ${value}`);
    return Number(value);
  }
}

/**
 * The members of a zip archive (zip64 included) from its central directory, by name; reads only the directory.
 * @throws FormatError `ZIP_CORRUPT` for a damaged directory, members that overlap, names that leave the archive or
 * appear twice; `UNSUPPORTED` for encryption and split archives; `LIMIT` for compression ratios of a bomb
 */
export async function openZip(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ZipEntry>> {
  const end = await findDirectory(source, signal);
  if (end.size > maxDirectory) throw new FormatError('LIMIT', `a zip directory of ${end.size} bytes`);
  if (end.offset + end.size > end.at) throw corrupt('the zip directory does not fit into the file', end.at);
  const fields = new Fields(await source.read(end.offset, end.offset + end.size, signal));
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < end.count; i++) {
    const { entry, next } = readEntry(fields, at, end.offset);
    if (entries.has(entry.name)) throw corrupt(`two members named ${entry.name}`, end.offset + at);
    entries.set(entry.name, entry);
    at = next;
  }
  checkOverlaps([...entries.values()], end.offset);
  return entries;
}

async function findDirectory(source: ByteSource, signal?: AbortSignal) {
  const from = Math.max(0, source.size - endSize - maxComment);
  const tail = new Fields(await source.read(from, source.size, signal));
  let at = tail.bytes.length - endSize;
  while (
    at >= 0 &&
    !(tail.u32(at) === 0x06054b50 && at + endSize + tail.u16(at + 20) === tail.bytes.length)
  ) {
    at--;
  }
  if (at < 0) {
    throw new FormatError('ZIP_CORRUPT', 'the zip archive has no end record', {
      byteOffset: source.size,
      remedy: 'the file was probably cut off while it was written or transferred',
    });
  }
  if (tail.u16(at + 4) !== 0 || tail.u16(at + 6) !== 0)
    throw new FormatError('UNSUPPORTED', 'a split zip archive');
  const plain = {
    at: from + at,
    count: tail.u16(at + 10),
    size: tail.u32(at + 12),
    offset: tail.u32(at + 16),
  };
  const needs64 = plain.count === 0xffff || plain.size === 0xffffffff || plain.offset === 0xffffffff;
  const locator = plain.at - 20;
  if (locator < 0) return plain;
  const link = new Fields(await source.read(locator, plain.at, signal));
  if (link.u32(0) !== 0x07064b50) {
    if (needs64) throw corrupt('the zip64 end record is missing', locator);
    return plain;
  }
  const record = link.u64(8);
  if (record + 56 > locator) throw corrupt('the zip64 end record lies outside the file', locator);
  const end64 = new Fields(await source.read(record, record + 56, signal));
  if (end64.u32(0) !== 0x06064b50) throw corrupt('the zip64 end record is damaged', record);
  return { at: record, count: end64.u64(32), size: end64.u64(40), offset: end64.u64(48) };
}

function readEntry(fields: Fields, at: number, base: number): { entry: ZipEntry; next: number } {
  const { bytes } = fields;
  if (at + 46 > bytes.length || fields.u32(at) !== 0x02014b50)
    throw corrupt('a damaged zip directory', base + at);
  const nameEnd = at + 46 + fields.u16(at + 28);
  const extraEnd = nameEnd + fields.u16(at + 30);
  const next = extraEnd + fields.u16(at + 32);
  if (next > bytes.length) throw corrupt('a damaged zip directory', base + at);
  const name = nameOf(bytes.subarray(at + 46, nameEnd), base + at);
  const method = fields.u16(at + 10);
  if ((fields.u16(at + 8) & 0x2041) !== 0) throw new FormatError('UNSUPPORTED', `${name} is encrypted`);
  if (method !== 0 && method !== 8)
    throw new FormatError('UNSUPPORTED', `${name}: compression method ${method}`);
  const sizes = {
    size: fields.u32(at + 24),
    compressedSize: fields.u32(at + 20),
    headerOffset: fields.u32(at + 42),
  };
  const wide = zip64Sizes(fields, nameEnd, extraEnd, sizes);
  const entry: ZipEntry = { name, stored: method === 0, crc: fields.u32(at + 16), ...wide };
  if (
    entry.stored ? entry.size !== entry.compressedSize : entry.size > maxRatio * entry.compressedSize + 1_024
  ) {
    throw new FormatError('LIMIT', `${name} claims ${entry.size} bytes out of ${entry.compressedSize}`);
  }
  return { entry, next };
}

/** Replaces fields of all ones by those of the zip64 extra field, in the order of the specification. */
function zip64Sizes(
  fields: Fields,
  start: number,
  end: number,
  sizes: { size: number; compressedSize: number; headerOffset: number },
) {
  const result = { ...sizes };
  for (let at = start; at + 4 <= end; at += 4 + fields.u16(at + 2)) {
    if (fields.u16(at) !== 1) continue;
    const stop = at + 4 + fields.u16(at + 2);
    let field = at + 4;
    for (const key of ['size', 'compressedSize', 'headerOffset'] as const) {
      if (sizes[key] !== 0xffffffff) continue;
      if (field + 8 > Math.min(stop, end)) throw corrupt('a zip64 field that is too short');
      result[key] = fields.u64(field);
      field += 8;
    }
  }
  return result;
}

function nameOf(bytes: Uint8Array, at: number): string {
  let name: string;
  try {
    name = utf8.decode(bytes);
  } catch {
    throw corrupt('a member whose name is not UTF-8', at);
  }
  const parts = name.split('/');
  if (name.includes('\0') || name.includes('\\') || name.startsWith('/') || parts.includes('..')) {
    throw corrupt(`a member with the path ${JSON.stringify(name)}`, at);
  }
  return name;
}

/** Members that share bytes are how a small archive unfolds to petabytes. */
function checkOverlaps(entries: readonly ZipEntry[], directory: number): void {
  let end = 0;
  for (const entry of entries.toSorted((a, b) => a.headerOffset - b.headerOffset)) {
    if (entry.headerOffset < end) throw corrupt(`${entry.name} overlaps another member`, entry.headerOffset);
    end = entry.headerOffset + 30 + entry.compressedSize;
  }
  if (end > directory) throw corrupt('a member runs into the zip directory', end);
}

/**
 * The content of a member, checked against its CRC.
 * @throws FormatError `ZIP_CORRUPT` | `TRUNCATED` | `CODEC_CORRUPT`
 */
export async function readZipEntry(
  source: ByteSource,
  entry: ZipEntry,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const header = new Fields(await source.read(entry.headerOffset, entry.headerOffset + 30, signal));
  if (header.u32(0) !== 0x04034b50) throw corrupt(`${entry.name} has no header`, entry.headerOffset);
  const start = entry.headerOffset + 30 + header.u16(26) + header.u16(28);
  const data = await source.read(start, start + entry.compressedSize, signal);
  const content = entry.stored ? data : inflate(data, entry);
  // torch writes 0 when it is told not to compute checksums.
  if (entry.crc !== 0 && crc32(content) !== entry.crc) {
    throw new FormatError('ZIP_CORRUPT', `${entry.name} does not match its checksum`, {
      byteOffset: start,
      remedy: 'copy the file again; its content was damaged',
    });
  }
  return content;
}

function inflate(data: Uint8Array, entry: ZipEntry): Uint8Array {
  try {
    const content = inflateRawSync(data, { maxOutputLength: Math.max(entry.size, 1) });
    if (content.length === entry.size)
      return new Uint8Array(content.buffer, content.byteOffset, content.length);
  } catch (cause) {
    throw new FormatError('CODEC_CORRUPT', `${entry.name} cannot be inflated`, { cause });
  }
  throw new FormatError('CODEC_CORRUPT', `${entry.name} inflates to another size than ${entry.size} bytes`);
}
