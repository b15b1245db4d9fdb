import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auroc, averagePrecision, rankScores, summarise } from '../../ingest/stats/index.ts';
import { InvalidArgumentError } from '../../lake/errors.ts';
import {
  aurocTest,
  benjaminiHochberg,
  bootstrap,
  clusteredMean,
  delong,
  erfc,
  holm,
  mcnemarExact,
  normalCdf,
  normalQuantile,
  pairedBootstrap,
  pairedDelong,
  pairedShareInterval,
  quantile,
  rankingOf,
  seededRandom,
  shuffle,
  weightedAuroc,
  weightedAveragePrecision,
  wilsonInterval,
} from './index.ts';

const rows = fc.array(
  fc.record({
    score: fc.integer({ min: -4, max: 4 }),
    other: fc.integer({ min: -4, max: 4 }),
    label: fc.integer({ min: 0, max: 1 }),
    weight: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 1, maxLength: 30 },
);
/** As numbers of the same quantity: both undefined, or close. */
function expectSame(found: number | undefined, expected: number): void {
  if (Number.isNaN(expected)) expect(found).toBeNaN();
  else expect(found).toBeCloseTo(expected, 12);
}

const both = rows.filter((all) => new Set(all.map(({ label }) => label)).size === 2);

test('a weighted metric is the metric of repeated rows', () => {
  fc.assert(
    fc.property(rows, (all) => {
      const repeated = all.flatMap((row) => Array.from({ length: row.weight }, () => row));
      const ranking = rankingOf(
        all.map(({ score }) => score),
        all.map(({ label }) => label),
      );
      const expected = rankScores(
        repeated.map(({ score }) => score),
        repeated.map(({ label }) => label),
      );
      const weights = Uint32Array.from(all, ({ weight }) => weight);
      expectSame(weightedAuroc(ranking, weights), auroc(expected));
      expectSame(weightedAveragePrecision(ranking, weights), averagePrecision(expected));
    }),
  );
});

describe('the mean of clustered values', () => {
  test('is that of single values when every cluster has one', () => {
    const values = [1, 4, 2, 2, 7];
    const { n, mean, sem, halfWidth } = summarise(values);
    const found = clusteredMean(values, [...values.keys()]);
    expect(n).toBe(5);
    expect(found.mean).toBe(mean);
    expect(found.standardError).toBeCloseTo(sem, 12);
    expect(found.high).toBeCloseTo(mean + halfWidth, 12);
  });

  test('learns nothing from copies, nor anything of one cluster', () => {
    const once = clusteredMean([1, -1, 1, 1], [0, 1, 2, 3]);
    const copied = clusteredMean(
      [1, 1, 1, -1, -1, -1, 1, 1, 1, 1, 1, 1],
      [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3],
    );
    expect(copied.standardError).toBeCloseTo(once.standardError, 12);
    expect(copied.pValue).toBeCloseTo(once.pValue, 12);
    expect(clusteredMean([1, 2], [5, 5])).toMatchObject({ mean: 1.5, low: Number.NaN, pValue: Number.NaN });
  });

  test('has neither interval nor test where the clusters do not stray, unless from no difference', () => {
    expect(clusteredMean([0, 0, 0], [0, 1, 1])).toMatchObject({ low: 0, high: 0, pValue: 1 });
    expect(clusteredMean([1, 1, 1], [0, 1, 1])).toMatchObject({ low: Number.NaN, pValue: Number.NaN });
    expect(() => clusteredMean([1], [0, 1])).toThrow(InvalidArgumentError);
  });
});

describe('bootstrap', () => {
  const scores = [0.1, 0.4, 0.35, 0.8, 0.7, 0.2, 0.9, 0.5];
  const labels = [0, 0, 1, 1, 0, 0, 1, 1];

  test('the interval holds the value, the same seed gives the same, another another', async () => {
    const one = await bootstrap(scores, labels, { resamples: 500, seed: 3 });
    expect(one.value).toBe(auroc(rankScores(scores, labels)));
    expect(one.low).toBeLessThanOrEqual(one.value);
    expect(one.high).toBeGreaterThanOrEqual(one.value);
    expect(await bootstrap(scores, labels, { resamples: 500, seed: 3 })).toEqual(one);
    expect(await bootstrap(scores, labels, { resamples: 500, seed: 4 })).not.toEqual(one);
  });

  test('its standard error is that of DeLong, where there are enough examples', async () => {
    const random = seededRandom(5);
    const many = Array.from({ length: 400 }, (_, i) => ({
      label: i % 3 === 0 ? 1 : 0,
      score: random.normal() + (i % 3 === 0 ? 1 : 0),
    }));
    const [s, l] = [many.map(({ score }) => score), many.map(({ label }) => label)];
    const { standardError, low, high } = aurocTest(s, l);
    const found = await bootstrap(s, l);
    expect(Math.abs(found.standardError / standardError - 1)).toBeLessThan(0.1);
    expect(Math.abs(found.low - low)).toBeLessThan(0.01);
    expect(Math.abs(found.high - high)).toBeLessThan(0.01);
  });

  test('examples of a cluster go together: copies of every example do not make it surer', async () => {
    const copies = <T>(values: readonly T[]): T[] => values.flatMap((value) => Array(8).fill(value) as T[]);
    const clusters = copies(scores.map((_, i) => i));
    const options = { resamples: 2000, seed: 1 };
    const clustered = await bootstrap(copies(scores), copies(labels), { ...options, clusters });
    const alone = await bootstrap(scores, labels, options);
    const naive = await bootstrap(copies(scores), copies(labels), options);
    expect(clustered.standardError).toBeGreaterThan(0.8 * alone.standardError);
    expect(naive.standardError).toBeLessThan(0.6 * alone.standardError);
  });

  test('a method compared with itself does not differ; a better one does', async () => {
    expect(await pairedBootstrap(scores, scores, labels)).toMatchObject({
      value: 0,
      low: 0,
      high: 0,
      pValue: 1,
    });
    const perfect = labels.map((label) => label);
    const found = await pairedBootstrap(
      perfect,
      labels.map((label) => -label),
      labels,
      { resamples: 999 },
    );
    expect(found).toMatchObject({ value: 1, low: 1, high: 1, pValue: 0.002 });
  });

  test('a class that is absent leaves nothing to estimate; lengths have to agree', async () => {
    expect(await bootstrap([1, 2], [1, 1])).toMatchObject({
      value: Number.NaN,
      low: Number.NaN,
      resamples: 0,
    });
    await expect(bootstrap([1, 2], [1])).rejects.toThrow(InvalidArgumentError);
    await expect(pairedBootstrap([1, 2], [1], [1, 0])).rejects.toThrow(InvalidArgumentError);
  });

  test('quantiles of one value and of none', async () => {
    expect(quantile([4], 0.3)).toBe(4);
    expect(quantile([], 0.3)).toBeNaN();
  });
});

describe('DeLong', () => {
  test('is the definition by pairs', () => {
    fc.assert(
      fc.property(both, (all) => {
        const methods = [all.map(({ score }) => score), all.map(({ other }) => other)];
        const labels = all.map(({ label }) => label);
        const positives = all.flatMap(({ label }, i) => (label === 1 ? [i] : []));
        const negatives = all.flatMap(({ label }, i) => (label === 0 ? [i] : []));
        const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
        const beats = (m: number, p: number, n: number): number =>
          methods[m]![p]! > methods[m]![n]! ? 1 : methods[m]![p] === methods[m]![n] ? 0.5 : 0;
        const byPositive = (m: number) => positives.map((p) => mean(negatives.map((n) => beats(m, p, n))));
        const byNegative = (m: number) => negatives.map((n) => mean(positives.map((p) => beats(m, p, n))));
        const covariance = (a: readonly number[], b: readonly number[]): number =>
          a.reduce((sum, value, i) => sum + (value - mean(a)) * (b[i]! - mean(b)), 0) / (a.length - 1);
        const found = delong(methods, labels);
        for (const m of [0, 1]) {
          expectSame(found.aurocs[m], mean(byPositive(m)));
          for (const k of [0, 1]) {
            const expected =
              covariance(byPositive(m), byPositive(k)) / positives.length +
              covariance(byNegative(m), byNegative(k)) / negatives.length;
            expectSame(found.covariance[m]![k], expected);
          }
        }
      }),
    );
  });

  test('methods that rank alike do not differ', () => {
    const labels = [0, 1, 0, 1, 1];
    const scores = [0.3, 0.2, 0.1, 0.9, 0.8];
    expect(pairedDelong(scores, scores.map(Math.exp), labels)).toMatchObject({ difference: 0, pValue: 1 });
    expect(() => delong([[1]], labels)).toThrow(InvalidArgumentError);
  });
});

describe('several tests', () => {
  const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });

  test('adjusting raises p-values, keeps their order, and Holm is the stricter', () => {
    fc.assert(
      fc.property(pValues, (all) => {
        const strict = holm(all);
        const lax = benjaminiHochberg(all);
        all.forEach((p, i) => {
          expect(lax[i]).toBeGreaterThanOrEqual(p);
          expect(strict[i]).toBeGreaterThanOrEqual(lax[i]! - 1e-15);
          expect(strict[i]).toBeLessThanOrEqual(1);
          all.forEach((q, j) => {
            if (p < q) expect(strict[i]).toBeLessThanOrEqual(strict[j]!);
            if (p < q) expect(lax[i]).toBeLessThanOrEqual(lax[j]!);
          });
        });
      }),
    );
  });

  test('a test that could not be made does not count', () => {
    expect(holm([0.01, Number.NaN, 0.04])).toEqual([0.02, Number.NaN, 0.04]);
    expect(benjaminiHochberg([])).toEqual([]);
  });
});

test('normal quantiles invert the distribution function', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-300, max: 0.5, noNaN: true }), (p) => {
      expect(Math.abs(normalCdf(normalQuantile(p)) / p - 1)).toBeLessThan(1e-11);
    }),
  );
  expect(normalQuantile(0)).toBe(-Infinity);
  expect(normalQuantile(0.5)).toBeCloseTo(0, 15);
  expect(erfc(40)).toBe(0);
  expect(() => normalQuantile(2)).toThrow(InvalidArgumentError);
});

test('proportions at their ends', () => {
  expect(wilsonInterval(0, 10)).toMatchObject({ low: 0 });
  expect(wilsonInterval(10, 10)).toMatchObject({ high: 1 });
  expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
  expect(() => wilsonInterval(3, 2)).toThrow(InvalidArgumentError);
  expect(mcnemarExact(0, 0)).toBe(1);
  expect(mcnemarExact(0, 1)).toBeCloseTo(1, 12);
});

test('random numbers: streams of their own, uniform, and normal', () => {
  const draws = (...keys: number[]) => {
    const random = seededRandom(...keys);
    return Array.from({ length: 3 }, () => random.next());
  };
  const streams = [[0], [1], [2 ** 32], [0, 0], [0, 1], [1, 0], [-1]].map((keys) => draws(...keys).join());
  expect(new Set(streams).size).toBe(streams.length);
  const random = seededRandom(1);
  const counts = new Float64Array(10);
  let square = 0;
  for (let i = 0; i < 20_000; i++) counts[random.below(10)]!++;
  for (let i = 0; i < 20_000; i++) square += random.normal() ** 2 / 20_000;
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
  expect(Math.abs(square - 1)).toBeLessThan(0.05);
  expect([...shuffle([1, 2, 3, 4], seededRandom(2))].sort()).toEqual([1, 2, 3, 4]);
});

test('the paired difference of shares has the published limits, and bounded ones at the ends', () => {
  const interval = (both: number, onlyFirst: number, onlySecond: number, neither: number) => {
    const { low, high } = pairedShareInterval({ both, onlyFirst, onlySecond, neither });
    return [low, high].map((limit) => Number(limit.toFixed(4)) + 0);
  };
  // Newcombe (1998), table II.
  expect(interval(36, 12, 2, 0)).toEqual([0.0569, 0.3404]);
  expect(interval(0, 0, 0, 0)).toEqual([-1, 1]);
  expect(interval(0, 5, 0, 0)[1]).toBe(1);
  const [low, high] = interval(20, 3, 9, 7);
  expect(interval(20, 9, 3, 7)).toEqual([-high!, -low!]);
});
