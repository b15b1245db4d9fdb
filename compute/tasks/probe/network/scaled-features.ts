import type { FeatureMatrix } from '../matrix.ts';

/** Rows that are read at once. */
const BLOCK = 4096;
/** Share of the overall variance below which a feature is constant over some rows, to single precision. */
const CONSTANT = 1e-7;

/** The features of a layer as a network takes them: standardised over the rows that it may learn from. */
export class ScaledFeatures {
  readonly dim: number;
  /** Of the raw features: what is taken off, and what the rest is multiplied by. */
  readonly mean: Float32Array;
  readonly inverse: Float32Array;
  readonly #matrix: FeatureMatrix;
  /** The same of the matrix's columns. */
  readonly #mean: Float64Array;
  readonly #inverse: Float64Array;

  private constructor(matrix: FeatureMatrix, mean: Float64Array, inverse: Float64Array) {
    this.dim = matrix.dim;
    this.#matrix = matrix;
    this.#mean = mean;
    this.#inverse = inverse;
    this.mean = Float32Array.from(mean, (own, j) => matrix.mean[j]! + own * matrix.scale[j]!);
    this.inverse = Float32Array.from(inverse, (own, j) => own / matrix.scale[j]!);
  }

  /** @param rows 1 for the rows to standardise over */
  static async over(matrix: FeatureMatrix, rows: Uint8Array, signal: AbortSignal): Promise<ScaledFeatures> {
    const { dim } = matrix;
    const sums = new Float64Array(dim);
    const squares = new Float64Array(dim);
    let count = 0;
    for await (const block of matrix.blocks(BLOCK, signal)) {
      for (let row = 0; row < block.rows; row++) {
        if (rows[block.start + row] !== 1) continue;
        count++;
        for (let j = 0, at = row * dim; j < dim; j++, at++) {
          const value = block.data[at]!;
          sums[j]! += value;
          squares[j]! += value * value;
        }
      }
    }
    const mean = sums.map((sum) => sum / Math.max(1, count));
    const inverse = squares.map((square, j) => {
      const variance = square / Math.max(1, count) - mean[j]! ** 2;
      return variance > CONSTANT ? 1 / Math.sqrt(variance) : 1;
    });
    return new ScaledFeatures(matrix, mean, inverse);
  }

  /** Rows in the given order, into the beginning of `into`. */
  async gather(rows: ArrayLike<number>, into: Float32Array): Promise<void> {
    await this.#matrix.gather(rows, into);
    const { dim } = this;
    const mean = this.#mean;
    const inverse = this.#inverse;
    for (let at = 0, end = rows.length * dim; at < end; at += dim)
      for (let j = 0; j < dim; j++) into[at + j] = (into[at + j]! - mean[j]!) * inverse[j]!;
  }
}
