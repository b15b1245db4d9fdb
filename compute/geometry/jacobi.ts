/** Eigenvalues in descending order, each with its unit vector. */
export interface Eigenpairs {
  readonly values: Float64Array;
  readonly vectors: readonly Float64Array[];
}

/** Convergence is quadratic: a handful are needed. */
const MOST_SWEEPS = 60;

/**
 * All eigenpairs of a small symmetric matrix by Jacobi's cyclic method (Golub & Van Loan, Matrix Computations, 8.5), about
 * 50 n³ operations.
 * @param matrix size x size, of which only the symmetric part counts
 */
export function symmetricEigenpairs(matrix: Float64Array, size: number): Eigenpairs {
  const a = Float64Array.from(matrix, (value, i) => {
    const mirrored = matrix[(i % size) * size + Math.floor(i / size)]!;
    return (value + mirrored) / 2;
  });
  // Row i becomes the i-th eigenvector.
  const v = new Float64Array(size * size);
  for (let i = 0; i < size; i++) v[i * size + i] = 1;
  const all = a.reduce((sum, value) => sum + value * value, 0);
  // All elements of this size together are rounding.
  const nothing = (Number.EPSILON * Math.sqrt(all)) / size;
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) for (let q = 0; q < p; q++) off += a[p * size + q]! ** 2;
    if (off <= Number.EPSILON ** 2 * all) break;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (Math.abs(a[p * size + q]!) > nothing) annihilate(a, v, size, p, q);
      }
    }
  }
  const order = Int32Array.from({ length: size }, (_, i) => i).sort(
    (i, j) => a[j * size + j]! - a[i * size + i]! || i - j,
  );
  return {
    values: Float64Array.from(order, (i) => a[i * size + i]!),
    vectors: Array.from(order, (i) => v.slice(i * size, (i + 1) * size)),
  };
}

/** Rotates rows and columns p and q so that the element between them becomes 0. */
function annihilate(a: Float64Array, v: Float64Array, size: number, p: number, q: number): void {
  const between = a[p * size + q]!;
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * between);
  // The smaller root; Math.hypot does not overflow where theta is huge.
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (let i = 0; i < size; i++) {
    const ip = a[i * size + p]!;
    const iq = a[i * size + q]!;
    a[i * size + p] = c * ip - s * iq;
    a[i * size + q] = s * ip + c * iq;
  }
  rotateRows(a, size, p, q, c, s);
  rotateRows(v, size, p, q, c, s);
}

function rotateRows(m: Float64Array, size: number, p: number, q: number, c: number, s: number): void {
  for (let i = 0; i < size; i++) {
    const pi = m[p * size + i]!;
    const qi = m[q * size + i]!;
    m[p * size + i] = c * pi - s * qi;
    m[q * size + i] = s * pi + c * qi;
  }
}
