import { setImmediate } from 'node:timers/promises';
import { checkSignal } from '../../lake/store/abort.ts';

/** Consecutive vectors of a set, in C order. */
export interface VectorBlock {
  /** Number of the first. */
  readonly start: number;
  readonly rows: number;
  /** Rows x dim; only until the next block. */
  readonly data: Float32Array;
}

/** Vectors of one width with finite values, which can be read in order as often as it takes. */
export interface VectorSet {
  readonly count: number;
  readonly dim: number;
  /** All of them, in blocks that are small enough to be worked on in one turn of the thread. */
  blocks(): AsyncIterable<VectorBlock>;
}

/** About 2 ms of additions. */
const BLOCK_VALUES = 2 ** 20;

/** The thread is left to others after so long. */
const TURN_MS = 20;

/** Vectors in memory, of which `start` is the number of the first, as blocks; others get their turn in between. */
export async function* blocksOf(
  data: Float32Array,
  dim: number,
  { start = 0, signal }: { readonly start?: number; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<VectorBlock> {
  const rows = data.length / dim;
  const most = Math.max(1, Math.floor(BLOCK_VALUES / dim));
  let turnEnds = performance.now() + TURN_MS;
  for (let row = 0; row < rows; row += most) {
    if (performance.now() > turnEnds) {
      await setImmediate();
      turnEnds = performance.now() + TURN_MS;
    }
    checkSignal(signal, 'the computation');
    const end = Math.min(rows, row + most);
    yield { start: start + row, rows: end - row, data: data.subarray(row * dim, end * dim) };
  }
}

/** A set that is in memory. */
export function vectorSetOf(data: Float32Array, dim: number, signal?: AbortSignal): VectorSet {
  return { count: data.length / dim, dim, blocks: () => blocksOf(data, dim, { signal }) };
}
