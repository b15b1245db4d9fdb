import { type HuffmanCode, huffmanCode, writeStream } from './huffman.ts';

/*
 * Zstandard frames (RFC 8878) of bytes that do not repeat each other, as the byte planes of floats are: every block is
 * stored, one repeated byte, or Huffman-coded; nothing searches for matches.
 */

/** The most that a block holds. */
const BLOCK = 128 * 1024;
/** A shorter block is not worth a tree. */
const MIN_CODED = 1024;
/** Bytes by which a block is judged before all of it is counted. */
const SAMPLE = 16 * 1024;
/** A block of more bits a byte is stored: decoding it would cost more than the few bytes. */
const NOISE = 7.8;

const RAW = 0;
const REPEATED = 1;
const COMPRESSED = 2;

/** Magic number, descriptor (four bytes of content size), window of one block, content size. */
const HEADER = 10;
const BLOCK_HEADER = 3;
/** Sizes of the literals: 18 bits each. */
const LITERALS_HEADER = 5;
/** Sizes of the first three of the four streams. */
const JUMP_TABLE = 6;

/** The most bytes that a frame of so many bytes in so many parts has, and what writing it needs beyond. */
export function frameBound(bytes: number, parts: number): number {
  return bytes + HEADER + BLOCK_HEADER * (Math.ceil(bytes / BLOCK) + parts) + 8;
}

/**
 * Writes one frame whose content is the parts, one after another. A part's bytes should be alike: no block holds bytes
 * of two parts.
 * @param out has `frameBound` bytes
 * @returns the bytes of the frame
 */
export function writeFrame(parts: readonly Uint8Array[], out: Uint8Array): number {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  view.setUint32(0, 0xfd2fb528, true);
  out[4] = 0x80;
  out[5] = 0x38;
  view.setUint32(6, size, true);
  let at = HEADER;
  let last = writeBlockHeader(out, at, RAW, 0);
  for (const part of parts) {
    for (let start = 0; start < part.length; start += BLOCK) {
      last = at;
      at = writeBlock(part.subarray(start, start + BLOCK), out, view, at);
    }
  }
  if (size === 0) at = last + BLOCK_HEADER;
  out[last]! |= 1;
  return at;
}

function writeBlockHeader(out: Uint8Array, at: number, type: number, size: number): number {
  const word = (type << 1) | (size << 3);
  out[at] = word;
  out[at + 1] = word >>> 8;
  out[at + 2] = word >>> 16;
  return at;
}

/** @returns where the block ends */
function writeBlock(block: Uint8Array, out: Uint8Array, view: DataView, at: number): number {
  const content = at + BLOCK_HEADER;
  if (isConstant(block)) {
    writeBlockHeader(out, at, REPEATED, block.length);
    out[content] = block[0]!;
    return content + 1;
  }
  const end = block.length < MIN_CODED ? undefined : writeCoded(block, out, view, content);
  if (end !== undefined) {
    writeBlockHeader(out, at, COMPRESSED, end - content);
    return end;
  }
  writeBlockHeader(out, at, RAW, block.length);
  out.set(block, content);
  return content + block.length;
}

/** True when all bytes are the same: each equals the next. */
function isConstant(block: Uint8Array): boolean {
  return Buffer.compare(block.subarray(1), block.subarray(0, -1)) === 0;
}

/**
 * A compressed block that is nothing but literals: four streams of Huffman codes and no sequences.
 * @returns where it ends; undefined when it would hardly be smaller, and then nothing says what was written
 */
function writeCoded(block: Uint8Array, out: Uint8Array, view: DataView, at: number): number | undefined {
  if (entropy(countBytes(block.subarray(0, SAMPLE))) > NOISE) return undefined;
  const counts = countBytes(block);
  const code = huffmanCode(counts);
  if (code === undefined) return undefined;
  const estimate = LITERALS_HEADER + code.tree.length + JUMP_TABLE + code.bits / 8;
  if (estimate > (block.length * NOISE) / 8) return undefined;
  out.set(code.tree, at + LITERALS_HEADER);
  const table = at + LITERALS_HEADER + code.tree.length;
  const end = writeStreams(block, code, view, table);
  const compressed = end - at - LITERALS_HEADER;
  // Type (2 bits), form of the sizes (2), size before (18) and after (18).
  view.setUint32(at, (COMPRESSED | (3 << 2) | (block.length << 4) | (compressed << 22)) >>> 0, true);
  out[at + 4] = compressed >>> 10;
  // The number of sequences.
  out[end] = 0;
  return end + 1;
}

function writeStreams(block: Uint8Array, code: HuffmanCode, view: DataView, table: number): number {
  const quarter = Math.ceil(block.length / 4);
  let at = table + JUMP_TABLE;
  for (let stream = 0; stream < 4; stream++) {
    const end = writeStream(block.subarray(stream * quarter, (stream + 1) * quarter), code, view, at);
    if (stream < 3) view.setUint16(table + 2 * stream, end - at, true);
    at = end;
  }
  return at;
}

// Four tables, so that equal neighbours do not wait for each other; constants, because that halves the time.
const counts0 = new Uint32Array(256);
const counts1 = new Uint32Array(256);
const counts2 = new Uint32Array(256);
const counts3 = new Uint32Array(256);

/** How often each byte occurs; valid until the next call. */
function countBytes(bytes: Uint8Array): Uint32Array {
  for (const counts of [counts0, counts1, counts2, counts3]) counts.fill(0);
  const fours = bytes.length & ~3;
  for (let i = 0; i < fours; i += 4) {
    counts0[bytes[i]!]! += 1;
    counts1[bytes[i + 1]!]! += 1;
    counts2[bytes[i + 2]!]! += 1;
    counts3[bytes[i + 3]!]! += 1;
  }
  for (let i = fours; i < bytes.length; i++) counts0[bytes[i]!]! += 1;
  for (let i = 0; i < 256; i++) counts0[i]! += counts1[i]! + counts2[i]! + counts3[i]!;
  return counts0;
}

/** Shannon's, in bits a byte. */
function entropy(counts: Uint32Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= count * Math.log2(count / total);
  return bits / total;
}
