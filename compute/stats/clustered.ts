import { mean, studentTCdf, studentTQuantile, sum } from '../../ingest/stats/index.ts';
import { InvalidArgumentError } from '../../lake/errors.ts';

/** A mean of values that are independent between clusters only. */
export interface ClusteredMean {
  readonly mean: number;
  readonly standardError: number;
  /**
   * Interval by Student's t with one degree of freedom less than clusters. It and the p-value are NaN where there is one cluster,
   * and where none strays from a mean that is not 0: nothing tells then how far they would.
   */
  readonly low: number;
  readonly high: number;
  /** Two-sided, of a mean of 0. */
  readonly pValue: number;
}

/**
 * Mean with the cluster-robust standard error, sqrt(G / (G - 1) Σ_g (Σ_{i in g} (x_i - mean))²) / n for G clusters (Liang & Zeger 1986;
 * Miller 2024, "Adding Error Bars to Evals", for evaluations of language models). @throws InvalidArgumentError for other lengths
 */
export function clusteredMean(
  values: ArrayLike<number>,
  clusters: ArrayLike<number>,
  confidence = 0.95,
): ClusteredMean {
  if (values.length !== clusters.length)
    throw new InvalidArgumentError(`${clusters.length} clusters for ${values.length} values`);
  const centre = mean(values);
  const strays = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    const cluster = clusters[i]!;
    strays.set(cluster, (strays.get(cluster) ?? 0) + values[i]! - centre);
  }
  const freedom = strays.size - 1;
  const squares = sum(Float64Array.from(strays.values(), (stray) => stray * stray));
  const standardError =
    freedom < 1 ? Number.NaN : Math.sqrt((strays.size / freedom) * squares) / values.length;
  // Rounding leaves a little more than nothing of clusters that are all alike.
  if (standardError < 1e-12 && centre === 0)
    return { mean: centre, standardError, low: centre, high: centre, pValue: 1 };
  const strayed = standardError >= 1e-12;
  const half = strayed ? studentTQuantile(0.5 + confidence / 2, freedom) * standardError : Number.NaN;
  return {
    mean: centre,
    standardError,
    low: centre - half,
    high: centre + half,
    pValue: strayed ? 2 * studentTCdf(-Math.abs(centre) / standardError, freedom) : Number.NaN,
  };
}
