import { InvalidArgumentError } from '../../../lake/errors.ts';
import { MersenneTwister } from './mersenne-twister.ts';

/**
 * Python's `random.Random(seed)`: the same numbers from the same calls in the same order (CPython 3.9 and
 * later).
 */
export class PythonRandom {
  readonly #words: MersenneTwister;

  /** @param seed a whole number; Python seeds with its absolute value */
  constructor(seed: number | bigint) {
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new InvalidArgumentError(`the seed ${seed}`, {
        expected: 'a whole number, as a bigint from 2^53 on',
      });
    }
    this.#words = new MersenneTwister(wordsOf(BigInt(seed)));
  }

  /** A number of `count` random bits, 0 to 53. */
  getrandbits(count: number): number {
    if (!Number.isInteger(count) || count < 0 || count > 53) {
      throw new InvalidArgumentError(`${count} random bits`, { expected: '0 to 53' });
    }
    if (count === 0) return 0;
    if (count <= 32) return this.#words.next() >>> (32 - count);
    const low = this.#words.next();
    return low + (this.#words.next() >>> (64 - count)) * 2 ** 32;
  }

  /** A number from 0 to 1, 1 excluded, of 53 random bits. */
  random(): number {
    const high = this.#words.next() >>> 5;
    return (high * 2 ** 26 + (this.#words.next() >>> 6)) / 2 ** 53;
  }

  /** A number from 0 to `stop`, `stop` excluded. */
  randrange(stop: number): number {
    if (!Number.isSafeInteger(stop) || stop < 1) {
      throw new InvalidArgumentError(`a random number below ${stop}`, { expected: 'a whole number from 1' });
    }
    // As many bits as `stop` has, and again until they are below it.
    const bits = stop.toString(2).length;
    let value = this.getrandbits(bits);
    while (value >= stop) value = this.getrandbits(bits);
    return value;
  }

  /** One of the items. @throws InvalidArgumentError there are none */
  choice<T>(items: readonly T[]): T {
    return items[this.randrange(items.length)]!;
  }

  /** Shuffles in place: Fisher and Yates, from the end. */
  shuffle<T>(items: T[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.randrange(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
  }

  /** `count` of the items, in the order in which they were drawn. */
  sample<T>(items: readonly T[], count: number): T[] {
    const size = items.length;
    if (!Number.isInteger(count) || count < 0 || count > size) {
      throw new InvalidArgumentError(`a sample of ${count}`, {
        expected: `0 to ${size}, the items there are`,
      });
    }
    // Python takes whichever of a copied list and a set of positions is smaller; they draw different numbers.
    const setSize = 21 + (count > 5 ? 4 ** Math.ceil(Math.log(count * 3) / Math.log(4)) : 0);
    if (size <= setSize) {
      const pool = [...items];
      return Array.from({ length: count }, (_, i) => {
        const j = this.randrange(size - i);
        const drawn = pool[j]!;
        pool[j] = pool[size - i - 1]!;
        return drawn;
      });
    }
    const drawn = new Set<number>();
    while (drawn.size < count) drawn.add(this.randrange(size));
    return Array.from(drawn, (j) => items[j]!);
  }
}

/** The 32-bit words of a number's absolute value, lowest first. */
function wordsOf(seed: bigint): number[] {
  const words: number[] = [];
  let rest = seed < 0n ? -seed : seed;
  do {
    words.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return words;
}
