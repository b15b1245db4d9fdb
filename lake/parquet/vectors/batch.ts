import { InvalidArgumentError } from '../../errors.ts';
import { type Floats, floatCount } from '../floats/floats.ts';

/**
 * Vectors of one entry of an activation store, all of one length, in the order layer, token. Who adds a batch to a
 * file gives it away: the memory of `vectors` is moved to the thread that encodes it.
 */
export interface VectorBatch {
  /** Key of the entry in its store. */
  readonly key: string;
  readonly exampleId: string | null;
  readonly modelId: string | null;
  readonly site: string;
  readonly tokenSelector: string;
  /** Of the artifact; `vectors` may hold another one, which keeps the values. */
  readonly dtype: string;
  readonly dim: number;
  readonly rows: number;
  /** Row-major, `rows * dim` values. */
  readonly vectors: Floats;
  /** One value a row. */
  readonly layer: Int32Array;
  /** One value a row; -1 for none. */
  readonly tokenIndex: Int32Array;
  /** One value a row: 0 unknown, 1 prompt, 2 response. */
  readonly segment: Uint8Array;
}

/** A batch with what its rows belong to. */
export interface StoredBatch extends VectorBatch {
  readonly storeId: string;
  readonly ingestId: string;
  /** One value a row, where the norms are known; else they are computed. */
  readonly norms?: Float64Array;
}

/** By the numbers in `VectorBatch.segment`. */
export const SEGMENTS: readonly (string | null)[] = [null, 'prompt', 'response'];

/** 1 GiB as float32: a page, whose size is a 32-bit number, holds at least one vector. */
const MAX_DIM = 2 ** 28;

/** @throws InvalidArgumentError when the lengths of a batch do not fit together, or its vectors are too long */
export function checkBatch(batch: VectorBatch): void {
  const { rows, dim, vectors, layer, tokenIndex, segment } = batch;
  if (
    floatCount(vectors) !== rows * dim ||
    Math.min(layer.length, tokenIndex.length, segment.length) < rows
  ) {
    throw new InvalidArgumentError(`a batch of ${rows} x ${dim} has ${floatCount(vectors)} values`);
  }
  if (dim > MAX_DIM) {
    throw new InvalidArgumentError(`a vector of ${dim} values`, { expected: `at most ${MAX_DIM} values` });
  }
}
