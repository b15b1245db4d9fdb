/** Packs numbers of some bits each, the first into the lowest bits: the order of every bit stream of zstd. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #pending = 0;
  #held = 0;

  /** @param bits at most 16 */
  add(value: number, bits: number): void {
    this.#pending |= value << this.#held;
    this.#held += bits;
    while (this.#held >= 8) {
      this.#bytes.push(this.#pending & 0xff);
      this.#pending >>>= 8;
      this.#held -= 8;
    }
  }

  /** The bytes; the last one is filled up with zeros. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#held > 0 ? [...this.#bytes, this.#pending] : this.#bytes);
  }
}
