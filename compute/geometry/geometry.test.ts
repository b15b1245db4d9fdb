import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { aurocTest, crossValidatedAuroc, seededRandom } from '../stats/index.ts';
import { dot, norm } from './arithmetic.ts';
import { classSeparation } from './class-separation.ts';
import { differenceOfMeans } from './difference-of-means.ts';
import { symmetricEigenpairs } from './jacobi.ts';
import { momentsOf, NO_CELL, unite } from './moments.ts';
import { componentScores, principalComponents } from './principal-components.ts';
import { vectorSetOf } from './vector-set.ts';

/** Vectors with a falling spectrum and a mean far from 0. */
function sample(
  count: number,
  dim: number,
  seed: number,
  apart = 0,
): { data: Float32Array; labels: Uint8Array } {
  const random = seededRandom(seed);
  const labels = Uint8Array.from({ length: count }, () => random.below(2));
  const data = new Float32Array(count * dim);
  for (let row = 0; row < count; row++)
    for (let j = 0; j < dim; j++)
      data[row * dim + j] = 3 + random.normal() / (1 + j) + (j === 1 ? apart * labels[row]! : 0);
  return { data, labels };
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((all, value) => all + value, 0);

describe('moments', () => {
  it('of unions are those of the vectors together', async () => {
    const dim = 5;
    const { data } = sample(40, dim, 1);
    const set = vectorSetOf(data, dim);
    const cells = Int32Array.from({ length: 40 }, (_, row) => (row % 5) - 1);
    const parts = await momentsOf(set, cells, 4);
    expect([...parts.counts]).toEqual([8, 8, 8, 8]);
    const united = unite(parts, [[0, 2], [1], []]);
    const whole = await momentsOf(
      set,
      cells.map((cell) => (cell === 0 || cell === 2 ? 0 : NO_CELL)),
      1,
    );
    expect(united.counts).toEqual(Float64Array.of(16, 8, 0));
    expect(united.scatter[0]).toBeCloseTo(whole.scatter[0]!, 10);
    for (let j = 0; j < dim; j++) expect(united.means[j]).toBeCloseTo(whole.means[j]!, 12);
    expect(united.scatter[1]).toBe(parts.scatter[1]);
  });
});

test('eigenpairs of a symmetric matrix make it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer(),
      fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      (size, seed, scale) => {
        const random = seededRandom(seed);
        const a = new Float64Array(size * size);
        for (let i = 0; i < size; i++)
          for (let j = 0; j <= i; j++)
            a[i * size + j] = a[j * size + i] = random.below(3) * random.normal() * scale;
        const { values, vectors } = symmetricEigenpairs(a, size);
        for (let i = 0; i < size; i++) {
          if (i > 0) expect(values[i]).toBeLessThanOrEqual(values[i - 1]!);
          for (let j = 0; j < size; j++) {
            const made = sum(vectors.map((vector, k) => values[k]! * vector[i]! * vector[j]!));
            expect(Math.abs(made - a[i * size + j]!)).toBeLessThan(1e-12 * scale * size);
            expect(dot(vectors[i]!, vectors[j]!)).toBeCloseTo(i === j ? 1 : 0, 12);
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});

describe('principal components', () => {
  it('of all dimensions have the total variance, and scores of these variances', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 30 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer(),
        async (n, dim, seed) => {
          const { data } = sample(n, dim, seed);
          const set = vectorSetOf(data, dim);
          const found = await principalComponents(set, 10, { threads: 1 });
          expect(found.components.length).toBe(Math.min(n - 1, dim));
          expect(found.residual).toBeLessThanOrEqual(1e-10);
          expect(sum(found.components.map(({ variance }) => variance))).toBeCloseTo(found.totalVariance, 9);
          expect(sum(found.components.map(({ ratio }) => ratio))).toBeCloseTo(1, 9);
          const scores = await componentScores(
            set,
            found,
            Array.from({ length: n }, (_, row) => row),
          );
          found.components.forEach(({ variance, direction }, c) => {
            expect(norm(direction)).toBeCloseTo(1, 12);
            const own = scores.map((score) => score[c]!);
            expect(sum(own) / Math.sqrt(found.totalVariance)).toBeCloseTo(0, 6);
            expect(dot(own, own) / (n - 1) / variance).toBeCloseTo(1, 6);
          });
        },
      ),
      { numRuns: 15 },
    );
  });

  it('turn with the vectors: variances and distances stay', async () => {
    const dim = 24;
    const { data } = sample(70, dim, 5);
    // A reflection by v is orthogonal: x - 2 (x . v) v.
    const v = Float64Array.from({ length: dim }, (_, j) => Math.sin(j + 1));
    const length = norm(v);
    const turned = new Float32Array(data.length);
    for (let at = 0; at < data.length; at += dim) {
      const along = dot(data.subarray(at, at + dim), v) / length ** 2;
      for (let j = 0; j < dim; j++) turned[at + j] = data[at + j]! - 2 * along * v[j]!;
    }
    const rows = [0, 7, 69];
    const [a, b] = await Promise.all(
      [data, turned].map(async (values) => {
        const set = vectorSetOf(values, dim);
        const found = await principalComponents(set, 4, { threads: 1 });
        return { found, scores: await componentScores(set, found, rows) };
      }),
    );
    expect(b!.found.totalVariance).toBeCloseTo(a!.found.totalVariance, 5);
    a!.found.components.forEach(({ variance }, c) => {
      expect(b!.found.components[c]!.variance).toBeCloseTo(variance, 5);
      rows.forEach((_, i) => {
        expect(Math.abs(b!.scores[i]![c]!)).toBeCloseTo(Math.abs(a!.scores[i]![c]!), 4);
      });
    });
  });

  it('of vectors that are all the same are none', async () => {
    const set = vectorSetOf(new Float32Array(12).fill(7), 3);
    expect(await principalComponents(set, 2)).toMatchObject({ totalVariance: 0, components: [] });
    const one = vectorSetOf(Float32Array.of(1, 2, 3), 3);
    expect(await principalComponents(one, 2)).toMatchObject({ totalVariance: 0, components: [] });
  });

  it('are as many as the vectors span', async () => {
    const dim = 20;
    const data = new Float32Array(30 * dim);
    for (let row = 0; row < 30; row++) data.set([row, -row, (row * 7) % 5], row * dim);
    const { components, totalVariance } = await principalComponents(vectorSetOf(data, dim), 10, {
      threads: 1,
    });
    expect(components).toHaveLength(2);
    expect(sum(components.map(({ variance }) => variance))).toBeCloseTo(totalVariance, 8);
    for (const { direction } of components)
      expect(Math.max(...direction)).toBe(Math.max(...direction.map(Math.abs)));
  });

  it('ends when its signal aborts', async () => {
    const signal = AbortSignal.abort();
    await expect(principalComponents(vectorSetOf(sample(9, 3, 1).data, 3, signal), 1)).rejects.toThrow(
      'cancelled',
    );
  });
});

describe('difference of means', () => {
  it('of known vectors', async () => {
    const set = vectorSetOf(Float32Array.of(1, 0, 3, 0, 0, 2), 2);
    expect(await differenceOfMeans(set, [1, 1, 0])).toEqual({
      positives: 2,
      negatives: 1,
      positiveNorm: 2,
      negativeNorm: 2,
      cosine: 0,
      norm: Math.sqrt(8),
      vector: Float64Array.of(2, -2),
    });
  });

  it('has nothing to say of one class', async () => {
    const found = await differenceOfMeans(vectorSetOf(Float32Array.of(1, 0), 2), [1]);
    expect(found).toMatchObject({
      positives: 1,
      negatives: 0,
      negativeNorm: null,
      cosine: null,
      vector: null,
    });
  });
});

describe('class separation', () => {
  const options = { folds: 5, seed: 0, confidence: 0.95 };
  const separation = ({ data, labels }: ReturnType<typeof sample>, groups?: Int32Array) =>
    classSeparation(
      {
        set: vectorSetOf(data, data.length / labels.length),
        labels,
        groups: groups ?? Int32Array.from(labels, (_, row) => row),
      },
      options,
    );

  it('finds what there is', async () => {
    const found = await separation(sample(300, 40, 2, 4));
    expect(found.auroc).toBeGreaterThan(0.97);
    expect(found.cohensD).toBeGreaterThan(3);
    expect(found.silhouette).toBeGreaterThan(0.5);
    expect(found.folds).toBe(5);
  });

  it('finds nothing where nothing is, however wide the vectors: no vector is judged by a direction that it made', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, seed) => separation(sample(60, 50, seed))));
    const inside = all.filter(({ low, high }) => low! <= 0.5 && 0.5 <= high!).length;
    expect(inside).toBeGreaterThanOrEqual(16);
    expect(sum(all.map(({ auroc }) => auroc!)) / all.length).toBeCloseTo(0.5, 1);
  });

  it('does not depend on where the origin is, nor on the unit', async () => {
    const { data, labels } = sample(80, 6, 3, 1);
    const a = await separation({ data, labels });
    const b = await separation({ data: data.map((value) => 4 * value + 64), labels });
    for (const name of ['auroc', 'low', 'high', 'cohensD', 'fisherRatio', 'silhouette'] as const)
      expect(b[name]).toBeCloseTo(a[name]!, 4);
  });

  it('takes copies of a vector for one observation', async () => {
    const { data, labels } = sample(60, 4, 4, 1);
    const once = await separation({ data, labels });
    const twice = { data: new Float32Array(2 * data.length), labels: new Uint8Array(120) };
    twice.data.set(data);
    twice.data.set(data, data.length);
    twice.labels.set(labels);
    twice.labels.set(labels, 60);
    const together = await separation(
      twice,
      Int32Array.from({ length: 120 }, (_, row) => row % 60),
    );
    const apart = await separation(twice);
    const width = ({ low, high }: typeof once) => high! - low!;
    expect(together.groups).toBe(60);
    expect(width(together)).toBeGreaterThan(1.2 * width(apart));
  });

  it('has no numbers for one class, and some for two vectors', async () => {
    const one = await separation({ data: Float32Array.of(1, 2, 3, 4), labels: Uint8Array.of(1, 1) });
    expect(one).toMatchObject({
      positives: 2,
      negatives: 0,
      auroc: null,
      fisherRatio: null,
      silhouette: null,
    });
    const two = await separation({ data: Float32Array.of(1, 2, 3, 4), labels: Uint8Array.of(1, 0) });
    expect(two).toMatchObject({ auroc: null, cohensD: null, fisherRatio: null, silhouette: 0, folds: 0 });
  });
});

describe('AUROC over folds', () => {
  it('of one fold and no clusters is that of DeLong, but for how the variances count their freedom', () => {
    const random = seededRandom(8);
    const labels = Array.from({ length: 400 }, () => random.below(2));
    const scores = labels.map((label) => Math.round(4 * (random.normal() + label)));
    const rows = labels.map((_, row) => row);
    const found = crossValidatedAuroc({ scores, labels, folds: labels.map(() => 0), clusters: rows });
    const delong = aurocTest(scores, labels);
    expect(found.auroc).toBeCloseTo(delong.auroc, 12);
    expect(found.standardError / delong.standardError).toBeCloseTo(1, 2);
  });

  it('compares within folds only', () => {
    const found = crossValidatedAuroc({
      scores: [1, 2, 11, 12, 5],
      labels: [0, 1, 0, 1, 1],
      folds: [0, 0, 1, 1, 2],
      clusters: [0, 1, 2, 3, 4],
    });
    expect(found).toMatchObject({ auroc: 1, folds: 2, low: 1, high: 1 });
  });
});
