/** A deterministic source of numbers: the same seed gives the same ones on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number in [0, n). */
  below(n: number): number;
  /** One of the values. */
  pick<T>(values: readonly T[]): T;
  /**
   * Mean 0, variance 1, nearly normal: twelve uniform numbers added up, because sums are the same to the last bit
   * on every engine and logarithms need not be.
   */
  gaussian(): number;
}

/** Counter-based generator with the finaliser of MurmurHash3. Not for secrets. */
export function random(seed: number): Random {
  let counter = seed >>> 0;
  const next = (): number => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let bits = counter;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return {
    next,
    below,
    pick(values) {
      const value = values[below(values.length)];
      if (value === undefined) throw new RangeError('nothing to pick from');
      return value;
    },
    gaussian() {
      let sum = -6;
      for (let i = 0; i < 12; i++) sum += next();
      return sum;
    },
  };
}

/** A seed made of others, so that unrelated parts draw unrelated numbers. */
export function mixSeed(...parts: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const part of parts) hash = Math.imul(hash ^ (part >>> 0), 0x01000193) ^ (hash >>> 15);
  return hash >>> 0;
}
