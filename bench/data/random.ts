/** A deterministic source of numbers: the same seed gives the same ones on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
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
  return {
    next,
    pick(values) {
      const value = values[Math.floor(next() * values.length)];
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
