import { type FileHandle, open, rm } from 'node:fs/promises';
import { checkSignal } from '../../../lake/store/abort.ts';

/** Consecutive rows of a matrix, in C order. */
export interface MatrixBlock {
  readonly start: number;
  readonly rows: number;
  readonly data: Float32Array;
}

/**
 * Examples x features, standardised over all rows: column j holds (feature - mean[j]) / scale[j]. Single-precision products lose
 * nothing to large means then; what is fitted on some of the rows standardises anew over those.
 */
export interface FeatureMatrix {
  readonly rows: number;
  readonly dim: number;
  readonly mean: Float64Array;
  /** Standard deviation (population); 1 for a constant feature. */
  readonly scale: Float64Array;
  /** All rows in order, at most `rowsAtOnce` a block. A block may be overwritten by the next. */
  blocks(rowsAtOnce: number, signal: AbortSignal): AsyncIterable<MatrixBlock>;
  /** Copies rows, in the given order, into the beginning of `into`. */
  gather(rows: ArrayLike<number>, into: Float32Array): Promise<void>;
  close(): Promise<void>;
}

/** Takes the raw features of all rows, in order. */
export interface MatrixWriter {
  append(rows: Float32Array): Promise<void>;
  finish(): Promise<FeatureMatrix>;
  /** Gives up; instead of `finish`. */
  discard(): Promise<void>;
}

/** A matrix in memory if it has at most `memoryBytes`, else in a temporary file. */
export async function createMatrix(
  rows: number,
  dim: number,
  options: { readonly memoryBytes: number; readonly file: string },
): Promise<MatrixWriter> {
  return rows * dim * 4 <= options.memoryBytes
    ? memoryWriter(rows, dim)
    : fileWriter(rows, dim, options.file, await open(options.file, 'w+'));
}

/** A matrix of values that are in memory already; they are overwritten. */
export function matrixOf(data: Float32Array, dim: number): FeatureMatrix {
  const moments = new Moments(dim);
  moments.add(data);
  return memoryMatrix(data, moments);
}

function memoryMatrix(data: Float32Array, moments: Moments): FeatureMatrix {
  const { mean, scale } = moments.result();
  const dim = mean.length;
  const rows = data.length / dim;
  standardise(data, mean, scale);
  return {
    rows,
    dim,
    mean,
    scale,
    async *blocks(rowsAtOnce, signal) {
      for (let start = 0; start < rows; start += rowsAtOnce) {
        checkSignal(signal, 'the probe');
        const end = Math.min(rows, start + rowsAtOnce);
        yield { start, rows: end - start, data: data.subarray(start * dim, end * dim) };
      }
    },
    async gather(wanted, into) {
      for (let i = 0; i < wanted.length; i++)
        into.set(data.subarray(wanted[i]! * dim, (wanted[i]! + 1) * dim), i * dim);
    },
    async close() {},
  };
}

function memoryWriter(rows: number, dim: number): MatrixWriter {
  const data = new Float32Array(rows * dim);
  // Piece by piece, as with a file: the same numbers to the last bit.
  const moments = new Moments(dim);
  let at = 0;
  return {
    async append(values) {
      moments.add(values);
      data.set(values, at);
      at += values.length;
    },
    finish: async () => memoryMatrix(data.subarray(0, at), moments),
    async discard() {},
  };
}

const FILE_BLOCK_BYTES = 16 * 2 ** 20;
const READS_AT_ONCE = 32;

function fileWriter(rows: number, dim: number, path: string, file: FileHandle): MatrixWriter {
  const moments = new Moments(dim);
  const close = async (): Promise<void> => {
    await file.close();
    await rm(path, { force: true });
  };
  return {
    discard: close,
    async append(values) {
      moments.add(values);
      await file.appendFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    },
    async finish() {
      const { mean, scale } = moments.result();
      return {
        rows,
        dim,
        mean,
        scale,
        async *blocks(rowsAtOnce, signal) {
          const size = Math.max(1, Math.min(rowsAtOnce, Math.floor(FILE_BLOCK_BYTES / (dim * 4))));
          const buffer = new Float32Array(size * dim);
          for (let start = 0; start < rows; start += size) {
            checkSignal(signal, 'the probe');
            const count = Math.min(size, rows - start);
            const data = buffer.subarray(0, count * dim);
            await readExactly(file, new Uint8Array(data.buffer, 0, data.byteLength), start * dim * 4);
            standardise(data, mean, scale);
            yield { start, rows: count, data };
          }
        },
        async gather(wanted, into) {
          const row = async (i: number): Promise<void> => {
            const own = into.subarray(i * dim, (i + 1) * dim);
            const bytes = new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
            await readExactly(file, bytes, wanted[i]! * dim * 4);
            standardise(own, mean, scale);
          };
          for (let i = 0; i < wanted.length; i += READS_AT_ONCE) {
            const count = Math.min(READS_AT_ONCE, wanted.length - i);
            await Promise.all(Array.from({ length: count }, (_, j) => row(i + j)));
          }
        },
        close,
      };
    },
  };
}

async function readExactly(file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await file.read(into, at, into.length - at, position + at);
    if (bytesRead === 0) throw new Error('the temporary file of the features is shorter than it was');
    at += bytesRead;
  }
}

/** Means and variances of columns over rows that come in pieces (Chan, Golub & LeVeque, 1983). */
class Moments {
  readonly #dim: number;
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;
  #rows = 0;

  constructor(dim: number) {
    this.#dim = dim;
    this.#mean = new Float64Array(dim);
    this.#squares = new Float64Array(dim);
  }

  add(values: Float32Array): void {
    const dim = this.#dim;
    const rows = values.length / dim;
    if (rows === 0) return;
    const mean = new Float64Array(dim);
    const squares = new Float64Array(dim);
    for (let at = 0; at < values.length; at += dim) for (let j = 0; j < dim; j++) mean[j]! += values[at + j]!;
    for (let j = 0; j < dim; j++) mean[j]! /= rows;
    for (let at = 0; at < values.length; at += dim)
      for (let j = 0; j < dim; j++) squares[j]! += (values[at + j]! - mean[j]!) ** 2;
    const all = this.#rows + rows;
    for (let j = 0; j < dim; j++) {
      const apart = mean[j]! - this.#mean[j]!;
      this.#squares[j]! += squares[j]! + (apart * apart * this.#rows * rows) / all;
      this.#mean[j]! += (apart * rows) / all;
    }
    this.#rows = all;
  }

  result(): { readonly mean: Float64Array; readonly scale: Float64Array } {
    const scale = this.#squares.map((sum) => Math.sqrt(sum / Math.max(1, this.#rows)) || 1);
    return { mean: this.#mean, scale };
  }
}

function standardise(data: Float32Array, mean: Float64Array, scale: Float64Array): void {
  const dim = mean.length;
  for (let at = 0; at < data.length; at += dim)
    for (let j = 0; j < dim; j++) data[at + j] = (data[at + j]! - mean[j]!) / scale[j]!;
}
