/** Words of the state. */
const SIZE = 624;
const MIDDLE = 397;

/**
 * MT19937 (Matsumoto and Nishimura, 1998): the generator of 32-bit words beneath Python's `random` and numpy's
 * `RandomState`.
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE);
  #at = SIZE;

  /** @param key at least one word; the reference implementation's `init_by_array` */
  constructor(key: readonly number[]) {
    const state = this.#state;
    seedWith(state, 19650218);
    let i = 1;
    let j = 0;
    const step = () => {
      if (++i < SIZE) return;
      state[0] = state[SIZE - 1]!;
      i = 1;
    };
    const mixed = () => state[i - 1]! ^ (state[i - 1]! >>> 30);
    for (let k = Math.max(SIZE, key.length); k > 0; k--) {
      state[i] = (state[i]! ^ Math.imul(mixed(), 1664525)) + key[j]! + j;
      step();
      j = (j + 1) % key.length;
    }
    for (let k = SIZE - 1; k > 0; k--) {
      state[i] = (state[i]! ^ Math.imul(mixed(), 1566083941)) - i;
      step();
    }
    state[0] = 0x80000000;
  }

  /** The next word, 0 to 2^32 - 1. */
  next(): number {
    if (this.#at === SIZE) this.#twist();
    let word = this.#state[this.#at++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const joined = (state[i]! & 0x80000000) | (state[(i + 1) % SIZE]! & 0x7fffffff);
      const odd = joined & 1 ? 0x9908b0df : 0;
      state[i] = state[(i + MIDDLE) % SIZE]! ^ (joined >>> 1) ^ odd;
    }
    this.#at = 0;
  }
}

/** `init_genrand`. */
function seedWith(state: Uint32Array, seed: number): void {
  state[0] = seed;
  for (let i = 1; i < SIZE; i++) {
    const previous = state[i - 1]!;
    state[i] = Math.imul(previous ^ (previous >>> 30), 1812433253) + i;
  }
}
