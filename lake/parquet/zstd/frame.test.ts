import fc from 'fast-check';
import { Decompress } from 'fzstd';
import { beforeAll, describe, expect, it } from 'vitest';
import { ZSTDDecoder } from 'zstddec';
import { pythonBytes, pythonHas } from '../../../test/support/python.ts';
import { codeLengths } from './code-lengths.ts';
import { frameBound, writeFrame } from './frame.ts';

const decoder = new ZSTDDecoder();
beforeAll(() => decoder.init());

function frameOf(...parts: Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const out = new Uint8Array(frameBound(size, parts.length));
  return out.subarray(0, writeFrame(parts, out));
}

/** With the reference implementation and with another one. */
function contents(frame: Uint8Array, size: number): [Uint8Array, Uint8Array] {
  const pieces: Uint8Array[] = [];
  const other = new Decompress((piece) => void pieces.push(piece));
  other.push(frame, true);
  return [size === 0 ? new Uint8Array(0) : decoder.decode(frame, size), Buffer.concat(pieces)];
}

function expectExact(...parts: Uint8Array[]): Uint8Array {
  const whole = Buffer.concat(parts);
  const frame = frameOf(...parts);
  for (const content of contents(frame, whole.length)) expect(Buffer.compare(content, whole)).toBe(0);
  return frame;
}

/** Bytes drawn from weights, to a 4,096th, by a small generator of its own. */
function draw(weights: readonly number[], count: number, seed = 1): Uint8Array {
  const total = weights.reduce((a, b) => a + b);
  const slots = new Uint8Array(4096);
  let [symbol, bound] = [0, weights[0]! / total];
  for (let slot = 0; slot < slots.length; slot++) {
    while (symbol < weights.length - 1 && slot / slots.length >= bound) bound += weights[++symbol]! / total;
    slots[slot] = symbol;
  }
  let state = seed;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return slots[state >>> 20]!;
  });
}

describe('frames', () => {
  it('hold any parts of any size', () => {
    expectExact();
    expectExact(new Uint8Array(0), new Uint8Array(0));
    const skewed = fc
      .tuple(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 0, max: 9_000 }), fc.integer({ min: 1 }))
      .chain(([symbols, length, seed]) =>
        fc
          .array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: symbols, maxLength: symbols })
          .map((weights) =>
            draw(
              weights.map((w) => w ** 6),
              length,
              seed,
            ),
          ),
      );
    fc.assert(
      fc.property(fc.array(fc.oneof(skewed, fc.uint8Array({ maxLength: 50 })), { maxLength: 4 }), (parts) => {
        expectExact(...parts);
      }),
      { numRuns: 150 },
    );
  });

  it('have blocks of all kinds: repeated, stored, coded, with trees of either description', () => {
    const noise = draw(new Array(256).fill(1), 300_000);
    expect(expectExact(noise).length).toBeLessThan(noise.length + 30);
    expect(expectExact(new Uint8Array(1e6).fill(7)).length).toBeLessThan(60);
    const low = draw([8, 4, 2, 1, 1], 300_001);
    expect(expectExact(low).length).toBeLessThan(0.24 * low.length);
    const high = low.map((byte) => 250 - 40 * byte);
    expect(expectExact(high).length).toBeLessThan(0.24 * low.length);
    expectExact(noise, low, new Uint8Array(3).fill(9), high);
  });

  it('hold trees as deep as allowed, and bytes that hardly occur', () => {
    // Counts like Fibonacci's make Huffman's tree as deep as there are symbols.
    const deep: number[] = [];
    for (let [symbol, count, next] = [0, 1, 1]; symbol < 24; symbol++, [count, next] = [next, count + next]) {
      for (let i = 0; i < count; i++) deep.push(10 * symbol);
    }
    expect(expectExact(Uint8Array.from(deep)).length).toBeLessThan(deep.length / 2);
    for (const rare of [0, 127, 128, 129, 200, 255]) {
      const bytes = new Uint8Array(131_072).fill(131);
      bytes[77] = rare;
      expectExact(bytes);
    }
    // 129 bytes of equal weights but one: a tree that the weights' code cannot describe.
    const plain = Uint8Array.from({ length: 65_536 }, (_, i) => (i % 2 === 0 ? 200 : (i >> 1) % 128));
    expectExact(plain);
  });

  it.skipIf(!pythonHas('zstandard'))('are read by the library itself, as a whole and as a stream', () => {
    const whole = Buffer.concat([draw([5, 3, 1], 400_000), draw(new Array(256).fill(1), 200_000)]);
    const script = `
import sys, io, zstandard
frame = sys.stdin.buffer.read()
whole = zstandard.ZstdDecompressor().decompress(frame)
stream = zstandard.ZstdDecompressor(max_window_size=1 << 17).stream_reader(io.BytesIO(frame)).read()
assert whole == stream and zstandard.frame_content_size(frame) == len(whole)
sys.stdout.buffer.write(whole)`;
    const frame = frameOf(whole.subarray(0, 400_000), whole.subarray(400_000));
    const content = pythonBytes(['-c', script], { input: frame });
    expect(Buffer.compare(content, whole)).toBe(0);
  });
});

describe('code lengths', () => {
  it('are those of Huffman where the limit does not matter, and never longer than the limit', () => {
    expect([...codeLengths(Uint32Array.of(5, 0, 2, 1, 1), 11)]).toEqual([1, 0, 2, 3, 3]);
    fc.assert(
      fc.property(
        fc.array(fc.nat(1e6), { minLength: 2, maxLength: 256 }).filter((c) => c.filter(Boolean).length > 1),
        (counts) => {
          const lengths = codeLengths(Uint32Array.from(counts), 11);
          expect(Math.max(...lengths)).toBeLessThanOrEqual(11);
          expect(lengths.map((length) => (length === 0 ? 0 : 1))).toEqual(
            Uint8Array.from(counts, (count) => (count === 0 ? 0 : 1)),
          );
          // Kraft: the code is complete.
          expect(lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0)).toBe(1);
        },
      ),
    );
  });
});
