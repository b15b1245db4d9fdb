/** Remembers answers that depend on a text alone, the latest ones up to a number of characters. */
export class Memo<T> {
  readonly #budget: number;
  readonly #size: (value: T) => number;
  readonly #entries = new Map<string, T>();
  #used = 0;

  /** @param budget characters of texts and of their answers, which `size` counts */
  constructor(budget: number, size: (value: T) => number) {
    this.#budget = budget;
    this.#size = size;
  }

  async get(text: string, compute: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(text);
    if (known !== undefined) {
      this.#entries.delete(text);
      this.#entries.set(text, known);
      return known;
    }
    const value = await compute();
    this.#forget(text);
    this.#entries.set(text, value);
    this.#used += text.length + this.#size(value);
    for (const oldest of this.#entries.keys()) {
      if (this.#used <= this.#budget) break;
      this.#forget(oldest);
    }
    return value;
  }

  #forget(text: string): void {
    const value = this.#entries.get(text);
    if (value === undefined) return;
    this.#entries.delete(text);
    this.#used -= text.length + this.#size(value);
  }
}
