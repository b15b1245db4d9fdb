import { seededRandom } from '../stats/index.ts';
import { dot } from './arithmetic.ts';
import { CovarianceProducts } from './covariance-products.ts';
import { leadingEigenpairs, type SymmetricOperator } from './leading-eigenpairs.ts';
import { meanOf, momentsOf } from './moments.ts';
import type { VectorSet } from './vector-set.ts';

export interface PrincipalComponent {
  /** Variance of the scores, with n - 1 in the denominator. */
  readonly variance: number;
  /** Its share of the total variance. */
  readonly ratio: number;
  /** Unit vector; its entry of greatest magnitude is positive. */
  readonly direction: Float64Array;
}

export interface PrincipalComponents {
  readonly count: number;
  readonly mean: Float64Array;
  /** Sum of the variances of all coordinates. */
  readonly totalVariance: number;
  /** By variance, descending; fewer than wanted where the vectors span fewer dimensions. */
  readonly components: readonly PrincipalComponent[];
  /** Norm of (covariance . direction - variance . direction) over the greatest variance, the greatest of the components. */
  readonly residual: number;
}

/** Far below what float32 vectors can mean, far above what doubles can tell. */
const TOLERANCE = 1e-10;
/** Variance of which less than this share of the greatest is left is rounding. */
const NOTHING = 1e-13;

/**
 * The first principal components, by the covariance matrix without ever making it: n d² products would make it, n d for each of a
 * few passes over the vectors find its leading eigenvectors. Signs follow scikit-learn (1.5 and later), and so do the numbers.
 * @param count how many components
 */
export async function principalComponents(
  set: VectorSet,
  count: number,
  { threads }: { readonly threads?: number } = {},
): Promise<PrincipalComponents> {
  const moments = await momentsOf(set, new Uint8Array(set.count), 1);
  const mean = meanOf(moments, 0);
  const scatter = moments.scatter[0]!;
  const freedom = set.count - 1;
  const rank = Math.min(count, freedom, set.dim);
  if (rank < 1 || !(scatter > 0)) {
    return {
      count: set.count,
      mean,
      totalVariance: freedom > 0 ? scatter / freedom : 0,
      components: [],
      residual: 0,
    };
  }
  const products = await CovarianceProducts.open(threads);
  try {
    const { values, vectors, residuals } = await leadingEigenpairs(covarianceOf(set, mean, products), rank, {
      tolerance: TOLERANCE,
      random: seededRandom(set.dim),
    });
    const kept = values.filter((value) => value > NOTHING * values[0]!).length;
    return {
      count: set.count,
      mean,
      totalVariance: scatter / freedom,
      components: vectors.slice(0, kept).map((vector, i) => ({
        variance: values[i]! / freedom,
        ratio: values[i]! / scatter,
        direction: withSign(vector),
      })),
      residual: Math.max(0, ...residuals.subarray(0, kept)),
    };
  } finally {
    await products.close();
  }
}

/** Scores of some vectors: of each the products of (vector - mean) with every direction. */
export async function componentScores(
  set: VectorSet,
  { mean, components }: PrincipalComponents,
  wanted: readonly number[],
): Promise<number[][]> {
  const { dim } = set;
  const scores: number[][] = wanted.map(() => []);
  const places = new Map(wanted.map((row, i) => [row, i]));
  for await (const { start, rows, data } of set.blocks()) {
    for (let row = 0; row < rows; row++) {
      const place = places.get(start + row);
      if (place === undefined) continue;
      const centred = Float64Array.from(mean, (own, j) => data[row * dim + j]! - own);
      scores[place] = components.map(({ direction }) => dot(centred, direction));
    }
  }
  return scores;
}

/** (X - mean)ᵀ (X - mean): the covariance but for n - 1. */
function covarianceOf(set: VectorSet, mean: Float64Array, products: CovarianceProducts): SymmetricOperator {
  const { dim } = set;
  return {
    size: dim,
    async apply(vectors) {
      const directions = new Float64Array(vectors.length * dim);
      vectors.forEach((vector, i) => {
        directions.set(vector, i * dim);
      });
      const sums = new Float64Array(directions.length);
      for await (const block of set.blocks()) {
        const added = await products.apply(block, mean, directions);
        for (let i = 0; i < sums.length; i++) sums[i]! += added[i]!;
      }
      return vectors.map((_, i) => sums.subarray(i * dim, (i + 1) * dim));
    },
  };
}

function withSign(vector: Float64Array): Float64Array {
  let greatest = 0;
  for (let j = 1; j < vector.length; j++)
    if (Math.abs(vector[j]!) > Math.abs(vector[greatest]!)) greatest = j;
  return vector[greatest]! < 0 ? vector.map((value) => -value) : vector;
}
