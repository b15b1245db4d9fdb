/**
 * Small numbers in Parquet's RLE / bit-packing hybrid, all of it runs: levels and dictionary codes that repeat.
 */
export class RunWriter {
  readonly #width: number;
  readonly #bytes: number[] = [];
  #value = 0;
  #count = 0;

  /** @param width bits a value, from 1 to 32 */
  constructor(width: number) {
    this.#width = width;
  }

  /** Adds `count` times the same value. */
  add(value: number, count: number): void {
    if (value !== this.#value) {
      this.#flush();
      this.#value = value;
    }
    this.#count += count;
  }

  finish(): Uint8Array {
    this.#flush();
    return Uint8Array.from(this.#bytes);
  }

  #flush(): void {
    if (this.#count === 0) return;
    let header = this.#count * 2;
    for (; header >= 0x80; header = Math.floor(header / 0x80)) this.#bytes.push((header % 0x80) | 0x80);
    this.#bytes.push(header);
    for (let bits = 0; bits < this.#width; bits += 8) this.#bytes.push((this.#value >>> bits) & 0xff);
    this.#count = 0;
  }
}

/** Levels as a data page has them: their length, then the runs. */
export function levels(runs: RunWriter): Uint8Array {
  const bytes = runs.finish();
  const sized = new Uint8Array(4 + bytes.length);
  new DataView(sized.buffer).setUint32(0, bytes.length, true);
  sized.set(bytes, 4);
  return sized;
}
