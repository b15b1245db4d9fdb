import { codeLengths } from './code-lengths.ts';
import { encodeFse } from './fse.ts';

/** The longest code that zstd allows. */
const MAX_BITS = 11;

/** A code for bytes. */
export interface HuffmanCode {
  /** Bits of all bytes that the code was made for. */
  readonly bits: number;
  /** The description of the tree that precedes the streams. */
  readonly tree: Uint8Array;
  /** By byte: the code's bits, and above bit 26 how many they are. */
  readonly single: Uint32Array;
  /** The same for two bytes, by `first | second << 8`; made once for all codes, so the last one's only. */
  readonly pairs: Uint32Array;
}

const CODE_BITS = 27;
const CODE_MASK = (1 << CODE_BITS) - 1;

/**
 * The best code for bytes that occur so often (RFC 8878, section 4.2.1).
 * @param counts 256, two or more of them not zero
 * @returns undefined for the rare trees that have no description
 */
export function huffmanCode(counts: Uint32Array): HuffmanCode | undefined {
  const lengths = codeLengths(counts, MAX_BITS);
  const longest = lengths.reduce((max, length) => Math.max(max, length), 0);
  const weights = lengths.map((length) => (length === 0 ? 0 : longest + 1 - length));
  const tree = describeTree(weights);
  if (tree === undefined) return undefined;
  const single = new Uint32Array(256);
  const used: number[] = [];
  // Codes are numbered from the longest on, bytes of one length in their order.
  for (let length = longest, next = 0; length > 0; length--, next >>>= 1) {
    for (let byte = 0; byte < 256; byte++) {
      if (lengths[byte] !== length) continue;
      single[byte] = next | (length << CODE_BITS);
      next += 1;
      used.push(byte);
    }
  }
  for (const second of used) {
    const low = single[second]!;
    const lowBits = lengths[second]!;
    for (const first of used) {
      const high = single[first]!;
      // The second byte comes lower: the decoder reads from the highest bit on.
      const code = (low & CODE_MASK) | ((high & CODE_MASK) << lowBits);
      pairTable[first | (second << 8)] = code | ((lowBits + lengths[first]!) << CODE_BITS);
    }
  }
  const bits = lengths.reduce((sum, length, byte) => sum + length * counts[byte]!, 0);
  return { bits, tree, single, pairs: pairTable };
}

const pairTable = new Uint32Array(65_536);

/** The weights of all bytes but the last that occurs: its own follows from the others (section 4.2.1.1). */
function describeTree(weights: Uint8Array): Uint8Array | undefined {
  const listed = weights.subarray(
    0,
    weights.findLastIndex((weight) => weight > 0),
  );
  if (listed.length <= 128) {
    const bytes = new Uint8Array(1 + Math.ceil(listed.length / 2));
    bytes[0] = 127 + listed.length;
    listed.forEach((weight, i) => {
      bytes[1 + (i >> 1)]! |= i % 2 === 0 ? weight << 4 : weight;
    });
    return bytes;
  }
  const coded = encodeFse(listed);
  return coded === undefined || coded.length > 127 ? undefined : Uint8Array.of(coded.length, ...coded);
}

/**
 * Writes one stream: the codes from the last byte to the first, and a final 1 (section 4.2.2).
 * @param out has room for all and four bytes more
 * @returns where the stream ends
 */
export function writeStream(bytes: Uint8Array, code: HuffmanCode, out: DataView, start: number): number {
  const { single, pairs } = code;
  let at = start;
  let pending = 0;
  let held = 0;
  let i = bytes.length;
  if (i % 2 === 1) {
    i -= 1;
    const entry = single[bytes[i]!]!;
    pending = entry & CODE_MASK;
    held = entry >>> CODE_BITS;
  }
  while (i > 0) {
    out.setUint32(at, pending, true);
    at += held >>> 3;
    pending >>>= held & 24;
    held &= 7;
    i -= 2;
    const entry = pairs[bytes[i]! | (bytes[i + 1]! << 8)]!;
    pending |= (entry & CODE_MASK) << held;
    held += entry >>> CODE_BITS;
  }
  pending |= 1 << held;
  out.setUint32(at, pending, true);
  return at + (held >>> 3) + 1;
}
