import { InvalidArgumentError } from '../../lake/errors.ts';
import { describeDecoder } from './architectures/architectures.ts';
import { type Checkpoint, readWeight } from './checkpoint/checkpoint.ts';

/** An attention output projection on the host: what a head's output adds to the residual stream. */
export interface OutputProjection {
  /** `[D, H · d]`, row-major; head h owns the columns from `h · d`. */
  readonly matrix: Float32Array;
  /** `[D]`; undefined where the layer has none. */
  readonly bias: Float32Array | undefined;
  readonly hidden: number;
  readonly width: number;
}

/**
 * Reads the output projection of a layer from the checkpoint, for arithmetic outside the graph (function vectors are
 * sums of head means through it).
 * @throws InvalidArgumentError there is no such layer
 */
export async function readOutputProjection(
  checkpoint: Checkpoint,
  layer: number,
  signal?: AbortSignal,
): Promise<OutputProjection> {
  const { decoder } = describeDecoder(checkpoint);
  const block = decoder.blocks[layer];
  if (block === undefined) {
    throw new InvalidArgumentError(`there is no layer ${layer}`, {
      expected: `0 to ${decoder.blocks.length - 1}`,
    });
  }
  const { weight, bias, layout } = block.attention.output;
  const { hidden } = decoder;
  const width = decoder.heads * decoder.headDim;
  const stored = (await readWeight(checkpoint, weight, signal)).toFloat32();
  return {
    matrix: layout === 'in-out' ? transposed(stored, width, hidden) : stored,
    bias: bias === undefined ? undefined : (await readWeight(checkpoint, bias, signal)).toFloat32(),
    hidden,
    width,
  };
}

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j]!;
  return out;
}
