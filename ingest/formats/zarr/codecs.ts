import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { FormatError } from '../errors.ts';
import { crc32c } from '../torch/crc32.ts';
import { decompressZstd } from '../zstd/decompress.ts';
import { corrupt } from './errors.ts';
import type { BytesCodec } from './model.ts';

const inflateAsync = promisify(inflate);
const gunzipAsync = promisify(gunzip);

/**
 * Undoes the byte codecs of a chunk.
 * @param maxBytes what the decoded chunk may have; an intermediate result may have a little more
 * @throws FormatError `CODEC_CORRUPT` | `LIMIT` | `TRUNCATED`
 */
export async function decodeBytes(
  key: string,
  bytes: Uint8Array,
  codecs: readonly BytesCodec[],
  maxBytes: number,
): Promise<Uint8Array> {
  let current = bytes;
  for (let i = codecs.length - 1; i >= 0; i--) {
    const slack = i === 0 ? 0 : 1024 + maxBytes / 8;
    current = await decodeOne(key, current, codecs[i]!, Math.floor(maxBytes + slack));
  }
  return current;
}

async function decodeOne(
  key: string,
  bytes: Uint8Array,
  codec: BytesCodec,
  limit: number,
): Promise<Uint8Array> {
  if (codec === 'crc32c') return checked(key, bytes);
  try {
    if (codec === 'zstd') return decompressZstd(bytes, limit);
    const decode = codec === 'gzip' ? gunzipAsync : inflateAsync;
    const out = await decode(bytes, { maxOutputLength: Math.max(limit, 1) });
    return new Uint8Array(out.buffer, out.byteOffset, out.length);
  } catch (cause) {
    const subcode = cause instanceof FormatError ? cause.subcode : 'CODEC_CORRUPT';
    throw new FormatError(subcode, `${key}: the chunk cannot be decompressed (${codec})`, {
      where: { file: key },
      expected: `at most ${limit} bytes`,
      cause,
    });
  }
}

function checked(key: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) throw corrupt(key, 'a checksum is missing');
  const content = bytes.subarray(0, bytes.length - 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (crc32c(content) !== view.getUint32(content.length, true)) {
    throw new FormatError('CODEC_CORRUPT', `${key} does not match its checksum`, { where: { file: key } });
  }
  return content;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** vlen-utf8: a u32 count, then for each item a u32 length and its UTF-8 bytes. @throws FormatError `ZARR_CORRUPT` */
export function decodeVlenUtf8(key: string, bytes: Uint8Array, count: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint32(0, true) !== count || count * 4 > bytes.length) {
    throw corrupt(key, `a string chunk that does not hold ${count} items`);
  }
  const items: string[] = [];
  let at = 4;
  for (let i = 0; i < count; i++) {
    const start = at + 4;
    const end = start > bytes.length ? start : start + view.getUint32(at, true);
    if (end > bytes.length) throw corrupt(key, `item ${i} of a string chunk runs over its end`);
    try {
      items.push(utf8.decode(bytes.subarray(start, end)));
    } catch (cause) {
      throw new FormatError('NON_UTF8', `${key}: item ${i} is not UTF-8`, { where: { file: key }, cause });
    }
    at = end;
  }
  if (at !== bytes.length) throw corrupt(key, 'a string chunk with more bytes than items');
  return items;
}
