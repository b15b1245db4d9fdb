/** Where vectors lie and what makes their spread the same in all directions. */
export interface Whitening {
  readonly mean: Float32Array;
  /** dim x dim: |(v - mean) matrix| is the Mahalanobis distance of v. */
  readonly matrix: Float32Array;
}

/**
 * The whitening of some vectors by their covariance, shrunk towards a multiple of the identity as Ledoit & Wolf (2004) derive it:
 * fewer vectors than dimensions do as well.
 * @param vectors rows x dim
 */
export function whiteningOf(vectors: Float32Array, dim: number): Whitening {
  const { mean, covariance } = ledoitWolf(vectors, dim);
  const inverse = invertedFactor(covariance, dim);
  const matrix = new Float32Array(dim * dim);
  // (v - mean) times the transpose of the inverted factor.
  for (let i = 0; i < dim; i++) for (let j = 0; j <= i; j++) matrix[j * dim + i] = inverse[i * dim + j]!;
  return { mean: Float32Array.from(mean), matrix };
}

/** Mean and shrunk covariance (population), as scikit-learn's `LedoitWolf`. */
export function ledoitWolf(
  vectors: Float32Array,
  dim: number,
): { readonly mean: Float64Array; readonly covariance: Float64Array } {
  const rows = vectors.length / dim;
  const mean = new Float64Array(dim);
  for (let at = 0; at < vectors.length; at++) mean[at % dim]! += vectors[at]! / rows;
  const covariance = new Float64Array(dim * dim);
  const own = new Float64Array(dim);
  let fourth = 0;
  for (let at = 0; at < vectors.length; at += dim) {
    let square = 0;
    for (let j = 0; j < dim; j++) {
      own[j] = vectors[at + j]! - mean[j]!;
      square += own[j]! ** 2;
    }
    fourth += square * square;
    for (let i = 0; i < dim; i++) {
      const value = own[i]! / rows;
      for (let j = 0; j <= i; j++) covariance[i * dim + j]! += value * own[j]!;
    }
  }
  let trace = 0;
  let squares = 0;
  for (let i = 0; i < dim; i++) {
    trace += covariance[i * dim + i]!;
    for (let j = 0; j <= i; j++) {
      const value = covariance[i * dim + j]!;
      covariance[j * dim + i] = value;
      squares += i === j ? value * value : 2 * value * value;
    }
  }
  const level = trace / dim;
  const apart = squares - dim * level * level;
  const noise = (fourth / rows - squares) / rows;
  const share = apart > 0 ? Math.max(0, Math.min(1, noise / apart)) : 1;
  for (let i = 0; i < dim * dim; i++) covariance[i]! *= 1 - share;
  for (let i = 0; i < dim; i++) covariance[i * dim + i]! += share * level;
  return { mean, covariance };
}

/** The inverse of the lower Cholesky factor of a symmetric matrix; a direction without any spread gets a tiny one. */
function invertedFactor(matrix: Float64Array, dim: number): Float64Array {
  const factor = new Float64Array(dim * dim);
  let trace = 0;
  for (let i = 0; i < dim; i++) trace += matrix[i * dim + i]!;
  const least = Math.max((1e-9 * trace) / dim, 1e-30);
  for (let i = 0; i < dim; i++) {
    for (let j = 0; j <= i; j++) {
      let value = matrix[i * dim + j]!;
      for (let k = 0; k < j; k++) value -= factor[i * dim + k]! * factor[j * dim + k]!;
      factor[i * dim + j] = i === j ? Math.sqrt(Math.max(value, least)) : value / factor[j * dim + j]!;
    }
  }
  const inverse = new Float64Array(dim * dim);
  for (let column = 0; column < dim; column++) {
    for (let i = column; i < dim; i++) {
      let value = i === column ? 1 : 0;
      for (let k = column; k < i; k++) value -= factor[i * dim + k]! * inverse[k * dim + column]!;
      inverse[i * dim + column] = value / factor[i * dim + i]!;
    }
  }
  return inverse;
}
