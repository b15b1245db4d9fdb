import { InvalidArgumentError } from '../../lake/errors.ts';
import { describeDecoder } from './architectures/architectures.ts';
import type { NormSpec } from './architectures/decoder.ts';
import { type Checkpoint, readWeight, readWeightRows } from './checkpoint/checkpoint.ts';

/** How the residual stream after the last block becomes logits: the final norm, and the output matrix's rows of some tokens. */
export interface Unembedding {
  readonly norm: Pick<NormSpec, 'kind' | 'epsilon'>;
  /** Factor of each dimension, `[D]`. */
  readonly gain: Float32Array;
  /** Row of the output matrix by token, each `[D]`. */
  readonly rows: ReadonlyMap<number, Float32Array>;
}

/**
 * Reads from the checkpoint what the logits of some tokens are made with, for arithmetic outside the graph.
 * @throws InvalidArgumentError a token is not in the vocabulary
 */
export async function readUnembedding(
  checkpoint: Checkpoint,
  tokens: readonly number[],
  signal?: AbortSignal,
): Promise<Unembedding> {
  const { decoder } = describeDecoder(checkpoint);
  const { finalNorm, head, vocabulary, hidden } = decoder;
  const distinct = [...new Set(tokens)];
  for (const token of distinct) {
    if (Number.isInteger(token) && token >= 0 && token < vocabulary) continue;
    throw new InvalidArgumentError(`there is no token ${token}`, { expected: `0 to ${vocabulary - 1}` });
  }
  const gain = (await readWeight(checkpoint, finalNorm.weight, signal)).toFloat32();
  return {
    norm: { kind: finalNorm.kind, epsilon: finalNorm.epsilon },
    gain,
    rows: new Map(
      head.layout === 'in-out'
        ? columnsOf((await readWeight(checkpoint, head.weight, signal)).toFloat32(), hidden, distinct)
        : (await readWeightRows(checkpoint, head.weight, distinct, signal)).map((row, i) => [
            distinct[i]!,
            row.toFloat32(),
          ]),
    ),
  };
}

/** Columns of a matrix `[rows, …]`. */
function columnsOf(matrix: Float32Array, rows: number, columns: readonly number[]): [number, Float32Array][] {
  const width = matrix.length / rows;
  return columns.map((column) => [
    column,
    Float32Array.from({ length: rows }, (_, i) => matrix[i * width + column]!),
  ]);
}
