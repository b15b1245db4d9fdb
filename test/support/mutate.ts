/** Small deterministic generator (mulberry32): the same seed gives the same inputs on every machine. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Integers that break length and offset fields: zero, signs, powers of two and their neighbours, "all ones". */
const edges = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xfffffffen,
  0xffffffffn,
];
const wide = [0x100000000n, 0x1fffffffffffffn, 0x20000000000000n, 0x7fffffffffffffffn, 0xffffffffffffffffn];

type Mutation = (bytes: Uint8Array, random: () => number) => Uint8Array;

const below = (random: () => number, n: number) => Math.floor(random() * n);

const flipBit: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  bytes[at]! ^= 1 << below(random, 8);
  return bytes;
};

const setByte: Mutation = (bytes, random) => {
  bytes[below(random, bytes.length)] = below(random, 256);
  return bytes;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, below(random, bytes.length + 1));

/** Copies a piece of the input over or into another place. */
const splice: Mutation = (bytes, random) => {
  const length = 1 + below(random, Math.min(bytes.length, 512));
  const piece = bytes.slice(below(random, bytes.length), bytes.length).subarray(0, length);
  const at = below(random, bytes.length);
  if (random() < 0.5) {
    bytes.set(piece.subarray(0, bytes.length - at), at);
    return bytes;
  }
  const out = new Uint8Array(bytes.length + piece.length);
  out.set(bytes.subarray(0, at));
  out.set(piece, at);
  out.set(bytes.subarray(at), at + piece.length);
  return out;
};

const remove: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  const end = Math.min(bytes.length, at + 1 + below(random, 64));
  const out = new Uint8Array(bytes.length - (end - at));
  out.set(bytes.subarray(0, at));
  out.set(bytes.subarray(end), at);
  return out;
};

const zeroRun: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  return bytes.fill(0, at, at + 1 + below(random, 256));
};

/** Writes an edge-case integer of 1, 2, 4 or 8 bytes, either byte order, where a length or an offset may lie. */
const lengthField: Mutation = (bytes, random) => {
  const width = 1 << below(random, 4);
  const values = width === 8 ? [...edges, ...wide] : edges;
  let value = values[below(random, values.length)]!;
  let at = below(random, bytes.length);
  // Fields of binary formats are aligned more often than not.
  if (random() < 0.7) at -= at % width;
  const little = random() < 0.8;
  for (let i = 0; i < width; i++) {
    const target = little ? at + i : at + width - 1 - i;
    if (target < bytes.length) bytes[target] = Number(value & 0xffn);
    value >>= 8n;
  }
  return bytes;
};

const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  truncate,
  splice,
  remove,
  zeroRun,
  lengthField,
  lengthField,
];

/**
 * A damaged copy of `bytes`: one to four mutations (bit flips, truncation, splices, removed and zeroed runs,
 * attacks on length fields). `focus` keeps most of them inside `[focus[0], focus[1])`, e.g. a header.
 */
export function mutate(
  bytes: Uint8Array,
  random: () => number,
  focus?: readonly [number, number],
): Uint8Array {
  let out: Uint8Array = bytes.slice();
  for (let left = 1 + below(random, 4); left > 0 && out.length > 0; left--) {
    const mutation = mutations[below(random, mutations.length)]!;
    if (focus === undefined || random() < 0.25 || focus[1] > out.length) {
      out = mutation(out, random);
      continue;
    }
    const part = mutation(out.slice(focus[0], focus[1]), random);
    const joined = new Uint8Array(focus[0] + part.length + out.length - focus[1]);
    joined.set(out.subarray(0, focus[0]));
    joined.set(part, focus[0]);
    joined.set(out.subarray(focus[1]), focus[0] + part.length);
    out = joined;
  }
  return out;
}

/** What an attempt takes nowhere, however busy the machine is. */
const HANG_MS = 30_000;

export interface FuzzFailure {
  readonly iteration: number;
  readonly input: Uint8Array;
  readonly error: unknown;
}

/**
 * Runs `attempt` on `count` mutated inputs taken in turn from `seeds`. `isExpected` says whether a thrown error is
 * the reader's own; the first other error (or an attempt that hangs) is the answer.
 */
export async function fuzz(options: {
  readonly seeds: readonly Uint8Array[];
  readonly count: number;
  readonly seed: number;
  readonly attempt: (input: Uint8Array) => unknown;
  readonly isExpected: (error: unknown) => boolean;
  /** Where most of the damage goes: a range, or one chosen for each input. */
  readonly focus?: readonly [number, number] | ((random: () => number) => readonly [number, number]);
}): Promise<FuzzFailure | undefined> {
  const random = seeded(options.seed);
  for (let iteration = 0; iteration < options.count; iteration++) {
    const focus = typeof options.focus === 'function' ? options.focus(random) : options.focus;
    const input = mutate(options.seeds[iteration % options.seeds.length]!, random, focus);
    const started = performance.now();
    try {
      await options.attempt(input);
    } catch (error) {
      if (!options.isExpected(error)) return { iteration, input, error };
    }
    const took = performance.now() - started;
    if (took > HANG_MS) return { iteration, input, error: new Error(`took ${Math.round(took)} ms`) };
  }
  return undefined;
}
