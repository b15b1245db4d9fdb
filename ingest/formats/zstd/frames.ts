import { FormatError } from '../errors.ts';

/** What the headers of a sequence of zstd frames say; nothing is decompressed to find it. */
export interface ZstdFrames {
  /** Bytes that decompression can produce at most; exact when `exact`. */
  readonly maxSize: number;
  /** Every frame declares its content size. */
  readonly exact: boolean;
  /** The largest window a frame asks a streaming decoder to keep, in bytes. */
  readonly window: number;
}

const magic = 0xfd2fb528;
const skippable = 0x184d2a50;
const maxBlock = 128 * 1024;

const corrupt = (message: string, byteOffset: number) =>
  new FormatError('CODEC_CORRUPT', `${message} (zstd, byte ${byteOffset})`, { byteOffset });

const cutOff = (bytes: Uint8Array) =>
  new FormatError('TRUNCATED', `the zstd data ends inside a frame after ${bytes.length} bytes`, {
    byteOffset: bytes.length,
    remedy: 'the file was probably cut off while it was written or transferred',
  });

/**
 * Walks the frame and block headers of RFC 8878.
 * @throws FormatError `CODEC_CORRUPT` | `TRUNCATED`; `UNSUPPORTED` for frames that need a dictionary
 */
export function walkFrames(bytes: Uint8Array): ZstdFrames {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let maxSize = 0;
  let exact = true;
  let window = 0;
  while (at < bytes.length) {
    if (at + 8 > bytes.length) throw cutOff(bytes);
    const word = view.getUint32(at, true);
    if ((word & 0xfffffff0) >>> 0 === skippable) {
      at += 8 + view.getUint32(at + 4, true);
      if (at > bytes.length) throw cutOff(bytes);
      continue;
    }
    if (word !== magic) throw corrupt('no zstd frame', at);
    const frame = walkFrame(bytes, view, at);
    maxSize += frame.declared ?? frame.bound;
    window = Math.max(window, frame.window);
    exact &&= frame.declared !== undefined;
    at = frame.end;
  }
  return { maxSize, exact, window };
}

function walkFrame(bytes: Uint8Array, view: DataView, start: number) {
  const descriptor = bytes[start + 4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 8) !== 0) throw corrupt('a reserved bit is set', start + 4);
  if ((descriptor & 3) !== 0) {
    throw new FormatError('UNSUPPORTED', 'zstd data compressed with a dictionary', { byteOffset: start });
  }
  const sizeCode = descriptor >> 6;
  const sizeBytes = sizeCode === 0 ? (singleSegment ? 1 : 0) : 1 << sizeCode;
  let at = start + 5 + (singleSegment ? 0 : 1);
  if (at + sizeBytes > bytes.length) throw cutOff(bytes);
  const declared = contentSize(bytes, view, at, sizeBytes);
  at += sizeBytes;
  let bound = 0;
  for (let last = false; !last; ) {
    if (at + 3 > bytes.length) throw cutOff(bytes);
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    last = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3 || size > maxBlock) throw corrupt('a block of no known kind', at);
    bound += type === 2 ? maxBlock : size;
    at += 3 + (type === 1 ? 1 : size);
  }
  at += (descriptor & 4) !== 0 ? 4 : 0;
  if (at > bytes.length) throw cutOff(bytes);
  if (declared !== undefined && declared > bound)
    throw corrupt('a frame declares more than its blocks hold', start);
  const exponent = bytes[start + 5]! >> 3;
  const base = 2 ** (10 + exponent);
  const window = singleSegment ? (declared ?? 0) : base + (base / 8) * (bytes[start + 5]! & 7);
  return { end: at, declared, bound, window };
}

function contentSize(bytes: Uint8Array, view: DataView, at: number, width: number): number | undefined {
  if (width === 0) return undefined;
  if (width === 1) return bytes[at]!;
  if (width === 2) return view.getUint16(at, true) + 256;
  if (width === 4) return view.getUint32(at, true);
  const size = view.getBigUint64(at, true);
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt('an impossible content size', at);
  return Number(size);
}
