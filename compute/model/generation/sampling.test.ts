import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { promptKey, uniform } from './random.ts';
import { chooseToken, largestTokens, logSumExp } from './sampling.ts';

const logits = fc
  .array(fc.integer({ min: -2000, max: 2000 }), { minLength: 1, maxLength: 40 })
  .map((values) => Float32Array.from(values, (value) => value / 128));
const sampling = fc.record({
  temperature: fc.constantFrom(0.3, 1, 2),
  topP: fc.constantFrom(0.1, 0.5, 0.9, 1),
  topK: fc.constantFrom(0, 1, 3, 10, 100),
});

/** Probabilities as the definition has them: sorted lists, no short cuts. */
function probabilities(
  values: Float32Array,
  { temperature, topP, topK }: { temperature: number; topP: number; topK: number },
): number[] {
  const scaled = [...values].map((x) => x / temperature);
  const order = [...scaled.keys()].sort((a, b) => scaled[b]! - scaled[a]! || a - b);
  const last = topK === 0 ? Number.NEGATIVE_INFINITY : scaled[order[Math.min(topK, order.length) - 1]!]!;
  const kept = order.filter((token) => scaled[token]! >= last);
  const top = scaled[order[0]!]!;
  const weights = kept.map((token) => Math.exp(scaled[token]! - top));
  const sum = weights.reduce((total, one) => total + one, 0);
  const result = new Array<number>(values.length).fill(0);
  let held = 0;
  for (const [i, token] of kept.entries()) {
    if (held >= topP * sum * (1 - 1e-12)) break;
    held += weights[i]!;
    result[token] = weights[i]!;
  }
  return result.map((one) => one / held);
}

describe('choosing a token', () => {
  it('follows the distribution that temperature, top-k and top-p leave', () => {
    const steps = 500;
    fc.assert(
      fc.property(logits, sampling, (values, options) => {
        const expected = probabilities(values, options);
        const counts = new Array<number>(values.length).fill(0);
        for (let i = 0; i < steps; i++) counts[chooseToken(values, options, () => (i + 0.5) / steps)]!++;
        for (const [token, count] of counts.entries()) {
          expect(Math.abs(count / steps - expected[token]!)).toBeLessThan(2 / steps);
        }
      }),
    );
  });

  it('at temperature 0 takes the largest, of equal ones the first, and asks for no number', () => {
    const never = () => {
      throw new Error('asked');
    };
    const greedy = { temperature: 0, topP: 0.1, topK: 2 };
    expect(chooseToken(Float32Array.of(1, 3, 2, 3), greedy, never)).toBe(1);
  });

  it('keeps ties with the last of the top k, and never takes what has no probability', () => {
    const options = { temperature: 1, topP: 1, topK: 2 };
    const values = Float32Array.of(1, 2, 1, -5);
    const taken = new Set([0, 0.2, 0.5, 0.8, 0.999999].map((u) => chooseToken(values, options, () => u)));
    expect(taken).toEqual(new Set([0, 1, 2]));
    const infinite = Float32Array.of(0, Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY);
    const all = { temperature: 1, topP: 1, topK: 0 };
    expect([0, 0.49, 0.51, 1 - 2 ** -53].map((u) => chooseToken(infinite, all, () => u))).toEqual([
      0, 0, 2, 2,
    ]);
  });

  it('hardly ever changes when logits change by 1e-6', () => {
    let changed = 0;
    const values = Float32Array.from({ length: 300 }, (_, i) => 3 * Math.sin(i * i));
    const noisy = values.map((value, i) => value + 1e-6 * Math.cos(i));
    for (const options of [
      { temperature: 1, topP: 1, topK: 0 },
      { temperature: 0.7, topP: 0.9, topK: 50 },
    ]) {
      for (let i = 0; i < 1500; i++) {
        const u = uniform({ seed: 1, prompt: 'x', sample: 0 }, i);
        if (chooseToken(values, options, () => u) !== chooseToken(noisy, options, () => u)) changed++;
      }
    }
    expect(changed).toBeLessThan(3);
  });

  it('finds the largest, and the logarithm of the sum of exponentials', () => {
    fc.assert(
      fc.property(logits, fc.integer({ min: 1, max: 50 }), (values, count) => {
        const order = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
        expect(largestTokens(values, count)).toEqual(order.slice(0, count));
        const sum = values.reduce((total, value) => total + Math.exp(value), 0);
        expect(logSumExp(values)).toBeCloseTo(Math.log(sum), 4);
      }),
    );
    expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.log(2), 3);
  });
});

describe('random numbers', () => {
  it('are the documented digits of SHA-256', () => {
    const sha = (text: string) => createHash('sha256').update(text).digest('hex');
    const key = promptKey([1, 22, 333]);
    expect(key).toBe(sha('1,22,333'));
    const bits = BigInt(`0x${sha(`-7/${key}/2/30`).slice(0, 16)}`) >> 11n;
    expect(uniform({ seed: -7, prompt: key, sample: 2 }, 30)).toBe(Number(bits) / 2 ** 53);
  });

  it('spread evenly', () => {
    const numbers = Array.from({ length: 4000 }, (_, i) => uniform({ seed: 0, prompt: '', sample: 0 }, i));
    const buckets = new Array<number>(10).fill(0);
    for (const one of numbers) buckets[Math.floor(one * 10)]!++;
    for (const count of buckets) expect(Math.abs(count - 400)).toBeLessThan(80);
  });
});
