import { setImmediate } from 'node:timers/promises';
import type { Random } from '../stats/index.ts';
import { add, dot, norm } from './arithmetic.ts';
import { type Eigenpairs, symmetricEigenpairs } from './jacobi.ts';

/** A symmetric, positive semidefinite matrix that is known by what it does to vectors. */
export interface SymmetricOperator {
  readonly size: number;
  apply(vectors: readonly Float64Array[]): Promise<readonly Float64Array[]>;
}

export interface LeadingEigenpairs extends Eigenpairs {
  /** Of every pair, the norm of (matrix . vector - value . vector) over the greatest value. */
  readonly residuals: Float64Array;
  /** How often the operator was applied. */
  readonly applications: number;
}

export interface LeadingOptions {
  /** Greatest residual with which a pair is good enough. */
  readonly tolerance: number;
  readonly random: Random;
}

/** Vectors beside the wanted ones that are iterated along: what lies close behind them slows nothing down then. */
const GUARD_VECTORS = 4;
/** Blocks after which the basis is cut down to the best vectors. */
const MOST_BLOCKS = 6;
/** Never reached in practice: a spectrum without any decay takes some dozens. */
const MOST_APPLICATIONS = 400;
/** A vector that lost so much of its length to the basis lies in it. */
const DEPENDENT = 1e-10;
/** A vector that keeps so much of its length is orthogonal. */
const ENOUGH = 0.7;

/**
 * The greatest eigenvalues of an operator and their vectors: a block Krylov method with Rayleigh-Ritz steps, which adds the residuals
 * of the best pairs to its basis and restarts from these pairs (Golub & Underwood 1977; Wu & Simon 2000 for the thick restart).
 * A value is off by at most the square of its residual over the gap to the next value, a vector by the residual over the gap.
 * @param count at most `operator.size`; fewer pairs come back where the operator has a smaller rank
 */
export async function leadingEigenpairs(
  operator: SymmetricOperator,
  count: number,
  { tolerance, random }: LeadingOptions,
): Promise<LeadingEigenpairs> {
  const { size } = operator;
  const width = Math.min(size, count + GUARD_VECTORS);
  let basis: Float64Array[] = [];
  let images: Float64Array[] = [];
  // Lower triangle of basis . images.
  let projected: number[][] = [];
  let added = orthonormal(
    Array.from({ length: width }, () => Float64Array.from({ length: size }, () => random.normal())),
    basis,
  );
  for (let applications = 1; ; applications++) {
    basis.push(...added);
    images.push(...(await operator.apply(added)));
    for (let i = projected.length; i < basis.length; i++)
      projected.push(images.slice(0, i + 1).map((image) => dot(basis[i]!, image)));
    // Others get their turn between the parts of a step.
    await setImmediate();
    const { values, vectors: weights } = symmetricEigenpairs(symmetric(projected), basis.length);
    await setImmediate();
    const pairs = Math.min(width, basis.length);
    const vectors = combinations(basis, weights, pairs);
    const moved = combinations(images, weights, pairs);
    await setImmediate();
    const errors = moved.map((image, i) => {
      const error = image.slice();
      add(error, vectors[i]!, -values[i]!);
      return error;
    });
    const scale = values[0]! > 0 ? values[0]! : 1;
    const residuals = Float64Array.from(errors, (error) => norm(error) / scale);
    const wanted = Math.min(count, pairs);
    const good = residuals.subarray(0, wanted).every((residual) => residual <= tolerance);
    added =
      good || applications >= MOST_APPLICATIONS
        ? []
        : orthonormal(
            errors.filter((_, i) => residuals[i]! > tolerance),
            basis,
          );
    if (added.length === 0) {
      return {
        values: values.slice(0, wanted),
        vectors: vectors.slice(0, wanted),
        residuals: residuals.slice(0, wanted),
        applications,
      };
    }
    if (basis.length + added.length > MOST_BLOCKS * width) {
      basis = vectors;
      images = moved;
      projected = vectors.map((_, i) => [...new Array<number>(i).fill(0), values[i]!]);
    }
  }
}

/** The matrix of a lower triangle. */
function symmetric(triangle: readonly (readonly number[])[]): Float64Array {
  const size = triangle.length;
  const matrix = new Float64Array(size * size);
  triangle.forEach((row, i) => {
    row.forEach((value, j) => {
      matrix[i * size + j] = value;
      matrix[j * size + i] = value;
    });
  });
  return matrix;
}

/** The first `count` combinations of vectors with given weights. */
function combinations(
  vectors: readonly Float64Array[],
  weights: readonly Float64Array[],
  count: number,
): Float64Array[] {
  return weights.slice(0, count).map((own) => {
    const combined = new Float64Array(vectors[0]!.length);
    vectors.forEach((vector, i) => {
      add(combined, vector, own[i]!);
    });
    return combined;
  });
}

/** Unit vectors that are orthogonal to the basis and to each other; those that depend on what came before are left out. */
function orthonormal(vectors: readonly Float64Array[], basis: readonly Float64Array[]): Float64Array[] {
  const found: Float64Array[] = [];
  for (const vector of vectors) {
    const own = unit(vector);
    let left = norm(own);
    // Gram and Schmidt leave as much rounding as length was lost; once more until hardly any is.
    for (let kept = 0; kept < ENOUGH && left > DEPENDENT; left *= kept) {
      for (const other of [...basis, ...found]) add(own, other, -dot(own, other));
      kept = norm(own);
      scale(own, 1 / kept);
    }
    if (left > DEPENDENT) found.push(own);
  }
  return found;
}

function unit(vector: Float64Array): Float64Array {
  const own = vector.slice();
  const length = norm(own);
  if (length > 0) scale(own, 1 / length);
  return own;
}

function scale(vector: Float64Array, factor: number): void {
  for (let i = 0; i < vector.length; i++) vector[i]! *= factor;
}
