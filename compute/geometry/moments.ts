import type { VectorSet } from './vector-set.ts';

/** Means of some cells of a set of vectors, and how far the vectors lie from them. */
export interface Moments {
  readonly dim: number;
  readonly counts: Float64Array;
  /** Cells x dim; zeros where a cell is empty. */
  readonly means: Float64Array;
  /** Of every cell, the sum of the squared distances of its vectors from its mean. */
  readonly scatter: Float64Array;
}

/** Vectors of this cell belong to none. */
export const NO_CELL = -1;

/**
 * One pass over the vectors (Welford's method, 1962, which loses nothing to large means).
 * @param cells cell of every vector, 0 to count - 1, or `NO_CELL`
 */
export async function momentsOf(set: VectorSet, cells: ArrayLike<number>, count: number): Promise<Moments> {
  const { dim } = set;
  const counts = new Float64Array(count);
  const means = new Float64Array(count * dim);
  const scatter = new Float64Array(count);
  for await (const { start, rows, data } of set.blocks()) {
    for (let row = 0; row < rows; row++) {
      const cell = cells[start + row]!;
      if (cell === NO_CELL) continue;
      const share = 1 / ++counts[cell]!;
      const mean = means.subarray(cell * dim, (cell + 1) * dim);
      const at = row * dim;
      let squares = 0;
      for (let j = 0; j < dim; j++) {
        const value = data[at + j]!;
        const apart = value - mean[j]!;
        const moved = mean[j]! + apart * share;
        mean[j] = moved;
        squares += apart * (value - moved);
      }
      scatter[cell]! += squares;
    }
  }
  return { dim, counts, means, scatter };
}

/** The mean of a cell. */
export function meanOf({ means, dim }: Moments, cell: number): Float64Array {
  return means.subarray(cell * dim, (cell + 1) * dim);
}

/** Moments of unions of cells: `unions[i]` are the cells of the i-th (Chan, Golub & LeVeque, 1983). */
export function unite(moments: Moments, unions: readonly (readonly number[])[]): Moments {
  const { dim } = moments;
  const counts = new Float64Array(unions.length);
  const means = new Float64Array(unions.length * dim);
  const scatter = new Float64Array(unions.length);
  for (const [i, cells] of unions.entries()) {
    const mean = means.subarray(i * dim, (i + 1) * dim);
    for (const cell of cells) {
      const own = moments.counts[cell]!;
      if (own === 0) continue;
      const before = counts[i]!;
      counts[i] = before + own;
      const other = meanOf(moments, cell);
      let squares = 0;
      for (let j = 0; j < dim; j++) {
        const apart = other[j]! - mean[j]!;
        squares += apart * apart;
        mean[j]! += (apart * own) / counts[i]!;
      }
      scatter[i]! += moments.scatter[cell]! + (squares * before * own) / counts[i]!;
    }
  }
  return { dim, counts, means, scatter };
}
