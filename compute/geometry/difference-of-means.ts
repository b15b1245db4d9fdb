import { difference, dot, norm } from './arithmetic.ts';
import { meanOf, momentsOf } from './moments.ts';
import type { VectorSet } from './vector-set.ts';

/** How the means of two classes differ; what needs a class that has no vectors is null. */
export interface MeanDifference {
  readonly positives: number;
  readonly negatives: number;
  readonly positiveNorm: number | null;
  readonly negativeNorm: number | null;
  /** Between the two means; null too where one of them is 0. */
  readonly cosine: number | null;
  readonly norm: number | null;
  /** Mean of the positives minus mean of the negatives. */
  readonly vector: Float64Array | null;
}

/**
 * The difference of the class means, the direction of "mass-mean" probes (Marks & Tegmark 2023, "The Geometry of Truth") and of
 * contrastive steering. One pass.
 * @param labels 1 for positives, 0 for negatives
 */
export async function differenceOfMeans(set: VectorSet, labels: ArrayLike<number>): Promise<MeanDifference> {
  const moments = await momentsOf(set, labels, 2);
  const [negatives = 0, positives = 0] = moments.counts;
  const [negative, positive] = [meanOf(moments, 0), meanOf(moments, 1)];
  const negativeNorm = negatives > 0 ? norm(negative) : null;
  const positiveNorm = positives > 0 ? norm(positive) : null;
  const vector = negatives > 0 && positives > 0 ? difference(positive, negative) : null;
  return {
    positives,
    negatives,
    positiveNorm,
    negativeNorm,
    cosine:
      positiveNorm && negativeNorm
        ? Math.max(-1, Math.min(1, dot(positive, negative) / (positiveNorm * negativeNorm)))
        : null,
    norm: vector && norm(vector),
    vector,
  };
}
