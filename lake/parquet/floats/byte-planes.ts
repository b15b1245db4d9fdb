import { type Floats, halfBits, widened } from './floats.ts';

/** Values as they are split: halves with the binary32 bits of each half, or those of the values themselves. */
export interface FloatSource {
  readonly halves: Uint16Array | undefined;
  readonly bits: Uint32Array;
  /** The same memory as `bits`. */
  readonly singles: Float32Array;
}

/** Made once for all the vectors in an array. */
export function floatSource(values: Floats): FloatSource {
  if (values instanceof Float32Array) {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    return { halves: undefined, bits, singles: values };
  }
  const bits = widened(values.format);
  return { halves: halfBits(values), bits, singles: new Float32Array(bits.buffer) };
}

/** The lowest bytes of values, the second, third and highest ones: as bytes, and four values a word. */
interface Planes {
  readonly bytes: readonly Uint8Array[];
  readonly words0: Uint32Array;
  readonly words1: Uint32Array;
  readonly words2: Uint32Array;
  readonly words3: Uint32Array;
}

/**
 * Floats in Parquet's BYTE_STREAM_SPLIT: the lowest bytes of all values, then the second ones, and so on. Halves go
 * straight into the planes.
 */
export class BytePlanes {
  readonly #planes: Planes;
  #length = 0;

  /** @param capacity values */
  constructor(capacity: number) {
    this.capacity = capacity;
    const words = () => new Uint32Array(Math.ceil(capacity / 4));
    const [words0, words1, words2, words3] = [words(), words(), words(), words()];
    const bytes = [words0, words1, words2, words3].map((plane) => new Uint8Array(plane.buffer));
    this.#planes = { bytes, words0, words1, words2, words3 };
  }

  /** Values for which there is room. */
  readonly capacity: number;

  /** Values that are in the planes. */
  get length(): number {
    return this.#length;
  }

  /** The planes, lowest bytes first; they are overwritten after `clear`. */
  get planes(): readonly Uint8Array[] {
    return this.#planes.bytes.map((plane) => plane.subarray(0, this.#length));
  }

  clear(): void {
    this.#length = 0;
  }

  /** Adds the values `[start, end)`, for which there is room; gives the sum of their squares in double precision. */
  add({ halves, bits, singles }: FloatSource, start: number, end: number): number {
    const at = this.#length;
    this.#length += end - start;
    return halves === undefined
      ? splitSingles(bits, singles, start, end, this.#planes, at)
      : splitHalves(halves, bits, singles, start, end, this.#planes, at);
  }
}

/*
 * The two loops below are where an ingest spends its time: four values a step, in sums that do not wait for each other,
 * and no array that lives for one step only.
 */

function splitHalves(
  halves: Uint16Array,
  table: Uint32Array,
  singles: Float32Array,
  start: number,
  end: number,
  planes: Planes,
  first: number,
): number {
  let at = first;
  let i = start;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (; i < end && (at & 3) !== 0; i++, at++) {
    putOne(planes, at, table[halves[i]!]!);
    sum0 += singles[halves[i]!]! ** 2;
  }
  for (; i + 4 <= end; i += 4, at += 4) {
    const a = halves[i]!;
    const b = halves[i + 1]!;
    const c = halves[i + 2]!;
    const d = halves[i + 3]!;
    putFour(planes, at >>> 2, table[a]!, table[b]!, table[c]!, table[d]!);
    sum0 += singles[a]! * singles[a]!;
    sum1 += singles[b]! * singles[b]!;
    sum2 += singles[c]! * singles[c]!;
    sum3 += singles[d]! * singles[d]!;
  }
  for (; i < end; i++, at++) {
    putOne(planes, at, table[halves[i]!]!);
    sum0 += singles[halves[i]!]! ** 2;
  }
  return sum0 + sum1 + sum2 + sum3;
}

function splitSingles(
  bits: Uint32Array,
  singles: Float32Array,
  start: number,
  end: number,
  planes: Planes,
  first: number,
): number {
  let at = first;
  let i = start;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (; i < end && (at & 3) !== 0; i++, at++) {
    putOne(planes, at, bits[i]!);
    sum0 += singles[i]! ** 2;
  }
  for (; i + 4 <= end; i += 4, at += 4) {
    putFour(planes, at >>> 2, bits[i]!, bits[i + 1]!, bits[i + 2]!, bits[i + 3]!);
    sum0 += singles[i]! * singles[i]!;
    sum1 += singles[i + 1]! * singles[i + 1]!;
    sum2 += singles[i + 2]! * singles[i + 2]!;
    sum3 += singles[i + 3]! * singles[i + 3]!;
  }
  for (; i < end; i++, at++) {
    putOne(planes, at, bits[i]!);
    sum0 += singles[i]! ** 2;
  }
  return sum0 + sum1 + sum2 + sum3;
}

function putFour(planes: Planes, word: number, a: number, b: number, c: number, d: number): void {
  planes.words0[word] = (a & 0xff) | ((b & 0xff) << 8) | ((c & 0xff) << 16) | (d << 24);
  planes.words1[word] = ((a >>> 8) & 0xff) | (b & 0xff00) | ((c & 0xff00) << 8) | ((d & 0xff00) << 16);
  planes.words2[word] = ((a >>> 16) & 0xff) | ((b >>> 8) & 0xff00) | (c & 0xff0000) | ((d & 0xff0000) << 8);
  planes.words3[word] = (a >>> 24) | ((b >>> 16) & 0xff00) | ((c >>> 8) & 0xff0000) | (d & 0xff000000);
}

function putOne(planes: Planes, at: number, bits: number): void {
  for (let byte = 0; byte < 4; byte++) planes.bytes[byte]![at] = bits >>> (8 * byte);
}
