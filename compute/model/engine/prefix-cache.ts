import type { Prefix } from './key-values.ts';

/** Prefixes kept: an intervention sweep goes back and forth between a clean and a corrupted prompt. */
const KEPT = 4;

/** Keys and values of the prefixes used last, by their tokens. */
export class PrefixCache {
  readonly #compute: (tokens: readonly number[]) => Promise<Prefix>;
  readonly #kept = new Map<string, Prefix>();

  constructor(compute: (tokens: readonly number[]) => Promise<Prefix>) {
    this.#compute = compute;
  }

  async get(tokens: readonly number[]): Promise<Prefix> {
    const key = tokens.join(',');
    const prefix = this.#kept.get(key) ?? (await this.#compute(tokens));
    // A Map iterates in order of insertion: what is used goes to the end.
    this.#kept.delete(key);
    this.#kept.set(key, prefix);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
    return prefix;
  }
}
