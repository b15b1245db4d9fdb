/** A seeded source of random numbers for resampling, splitting and initial weights; not for secrets. */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2^-32. */
  next(): number;
  /** Uniform in 0 … bound - 1, up to a bias of bound / 2^32. */
  below(bound: number): number;
  /** Standard normal. */
  normal(): number;
}

/** Mixes 32 bits; the finaliser of MurmurHash3. */
function mix(value: number): number {
  let z = value;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/**
 * xoshiro128** (Blackman & Vigna, 2021), whose state is filled from `keys` by mixing: every list of integers has a stream of
 * its own, so that what is drawn for one purpose does not depend on how much was drawn for another.
 */
export function seededRandom(...keys: readonly number[]): Random {
  const state = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    let word = mix(0x9e3779b9 * (i + 1));
    for (const key of keys) {
      // Both halves, so that seeds above 2^32 differ.
      word = mix((word ^ key) + 0x9e3779b9);
      word = mix((word ^ Math.floor(key / 2 ** 32)) + 0x9e3779b9);
    }
    state[i] = word;
  }
  // Numbers of the closure: as elements of a typed array each draw takes twice as long.
  let [a, b, c, d] = [state[0]! | 0 || 1, state[1]! | 0, state[2]! | 0, state[3]! | 0];
  const draw = (): number => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const next = (): number => draw() / 2 ** 32;
  return {
    next,
    below: (bound) => Math.floor(draw() * (bound / 2 ** 32)),
    // Box and Muller; 1 - u is never 0.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/** Brings the elements into random order, in place (Fisher and Yates). */
export function shuffle<T extends { [index: number]: unknown; readonly length: number }>(
  items: T,
  random: Random,
): T {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const kept = items[i];
    items[i] = items[j];
    items[j] = kept;
  }
  return items;
}
