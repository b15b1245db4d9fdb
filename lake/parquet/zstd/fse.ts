import { BitWriter } from './bit-writer.ts';

/*
 * Finite state entropy (tabled asymmetric numeral systems) as zstd uses it for the weights of a Huffman tree:
 * RFC 8878, sections 4.1 and 4.2.1.2.
 */

/** log2 of the states; the most that weights may have. */
const TABLE_LOG = 6;
const STATES = 1 << TABLE_LOG;

/**
 * Encodes small numbers with two states that take turns, their distribution in front.
 * @returns undefined when all numbers are the same, which this code has no form for
 */
export function encodeFse(symbols: Uint8Array): Uint8Array | undefined {
  const shares = distribution(symbols);
  if (shares.includes(STATES)) return undefined;
  const head = encodeDistribution(shares);
  const body = encodeStates(symbols, shares);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** How many of the states each symbol gets: about its share, at least one, together all. */
function distribution(symbols: Uint8Array): number[] {
  const counts: number[] = new Array(symbols.reduce((max, s) => Math.max(max, s), 0) + 1).fill(0);
  for (const symbol of symbols) counts[symbol]! += 1;
  const shares = counts.map((n) => (n === 0 ? 0 : Math.max(1, Math.floor((n * STATES) / symbols.length))));
  for (let rest = STATES - shares.reduce((a, b) => a + b); rest !== 0; rest -= Math.sign(rest)) {
    shares[shares.indexOf(Math.max(...shares))]! += Math.sign(rest);
  }
  return shares;
}

/** RFC 8878, section 4.1.1: a share takes as many bits as what is left may need; runs of zeros are counted. */
function encodeDistribution(shares: readonly number[]): Uint8Array {
  const writer = new BitWriter();
  writer.add(TABLE_LOG - 5, 4);
  let remaining = STATES + 1;
  for (let symbol = 0; remaining > 1; ) {
    const share = shares[symbol]!;
    symbol += 1;
    const bits = 32 - Math.clz32(remaining);
    // Values below the gap between what is left and a power of two do without the highest bit.
    const short = 2 ** bits - 1 - remaining;
    const value = share + 1;
    if (value < short) writer.add(value, bits - 1);
    else writer.add(value >= 2 ** (bits - 1) ? value + short : value, bits);
    remaining -= share;
    if (share > 0) continue;
    let zeros = 0;
    while (shares[symbol + zeros] === 0) zeros += 1;
    symbol += zeros;
    for (; zeros >= 3; zeros -= 3) writer.add(3, 2);
    writer.add(zeros, 2);
  }
  return writer.finish();
}

/** The states of every symbol in ascending order, as the decoder's table spreads them. */
function statesOf(shares: readonly number[]): number[][] {
  const table = new Uint8Array(STATES);
  let position = 0;
  shares.forEach((share, symbol) => {
    for (let i = 0; i < share; i++) {
      table[position] = symbol;
      position = (position + (STATES >> 1) + (STATES >> 3) + 3) % STATES;
    }
  });
  const states = shares.map((): number[] => []);
  table.forEach((symbol, state) => {
    states[symbol]!.push(state);
  });
  return states;
}

/** From the last symbol to the first, since the decoder reads from the end. */
function encodeStates(symbols: Uint8Array, shares: readonly number[]): Uint8Array {
  const writer = new BitWriter();
  const states = statesOf(shares);
  const current: [number | undefined, number | undefined] = [undefined, undefined];
  for (let i = symbols.length - 1; i >= 0; i--) {
    const symbol = symbols[i]!;
    const turn = (i & 1) as 0 | 1;
    const state = current[turn];
    if (state === undefined) {
      current[turn] = states[symbol]![0]!;
      continue;
    }
    let bits = 0;
    while ((STATES + state) >> bits >= 2 * shares[symbol]!) bits += 1;
    writer.add(state & ((1 << bits) - 1), bits);
    current[turn] = states[symbol]![((STATES + state) >> bits) - shares[symbol]!]!;
  }
  writer.add(current[1] ?? 0, TABLE_LOG);
  writer.add(current[0] ?? 0, TABLE_LOG);
  writer.add(1, 1);
  return writer.finish();
}
