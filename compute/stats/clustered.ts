import { mean, studentTCdf, studentTQuantile, sum } from '../../ingest/stats/index.ts';
import { InvalidArgumentError } from '../../lake/errors.ts';

/** A mean of values that are independent between clusters only. NaN where one cluster leaves nothing to estimate from. */
export interface ClusteredMean {
  readonly mean: number;
  readonly standardError: number;
  /** Interval by Student's t with one degree of freedom less than clusters. */
  readonly low: number;
  readonly high: number;
  /** Two-sided, of a mean of 0; NaN when no cluster strays from a mean that is not 0. */
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
  if (freedom < 1)
    return {
      mean: centre,
      standardError: Number.NaN,
      low: Number.NaN,
      high: Number.NaN,
      pValue: Number.NaN,
    };
  const squares = sum(Float64Array.from(strays.values(), (stray) => stray * stray));
  const standardError = Math.sqrt((strays.size / freedom) * squares) / values.length;
  const half = studentTQuantile(0.5 + confidence / 2, freedom) * standardError;
  return {
    mean: centre,
    standardError,
    low: centre - half,
    high: centre + half,
    pValue: pValueOf(centre, standardError, freedom),
  };
}

function pValueOf(centre: number, standardError: number, freedom: number): number {
  // Rounding leaves a little more than nothing of clusters that are all alike.
  if (standardError < 1e-12) return centre === 0 ? 1 : Number.NaN;
  return 2 * studentTCdf(-Math.abs(centre) / standardError, freedom);
}
