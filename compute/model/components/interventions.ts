import type { DecoderSpec } from '../architectures/decoder.ts';
import type { GraphBuilder, Value } from '../graph/builder.ts';
import type { Frame } from './frame.ts';
import type { GraphInputs } from './inputs.ts';
import type { ComputeType } from './weights.ts';

/** What the rows of a batch change. */
export interface Interventions {
  /** Replaces the masked heads of a block at the rows' edit positions; `heads [B, S, H, d]`. */
  replaceHeads(heads: Value, layer: number): Value;
  /** Adds the rows' scaled vectors to the residual stream `[B · S, D]` at a point, at their edit positions. */
  addToResidual(residual: Value, point: number): Value;
}

/**
 * Masks, factors and tables are brought into the shape that a block takes for all blocks at once and split, so that a
 * block that changes nothing pays for three element-wise operations and little else.
 */
export function createInterventions(
  b: GraphBuilder,
  decoder: DecoderSpec,
  inputs: GraphInputs,
  frame: Frame,
  compute: ComputeType,
): Interventions {
  const { heads: H, headDim: d, hidden: D } = decoder;
  const L = decoder.blocks.length;
  const { tokens: S, shape } = frame;
  const typed = (value: Value) => (compute === 'float32' ? value : b.cast(value, compute));
  const perRow = (table: Value) => b.unsqueeze(table, [1]);

  // [B, L, H] and [B, S] to L times [B, S, H, 1]
  const heads = b.unsqueeze(b.transpose(inputs.headMask, [1, 0, 2]), [2, 4]);
  const masked = b.node('And', [heads, b.unsqueeze(inputs.editPositions, [2, 3])]);
  const masks = b.splitEvenly(b.reshape(masked, shape(-1, S, H, 1)), L, 0);
  // [M, L, H, d] to L times [M, H, d]
  const headTables = b.reshape(b.transpose(typed(inputs.headTables), [1, 0, 2, 3]), [-1, H, d]);
  const headValues = b.splitEvenly(headTables, L, 0);
  const headRows = perRow(inputs.headTable);

  // [B, L + 1] and [B, S] to L + 1 times [B, S, 1]
  const scales = b.unsqueeze(b.transpose(inputs.residualScale, [1, 0]), [2]);
  const placed = b.node('Where', [inputs.editPositions, scales, b.floats([0], [])]);
  const factors = b.splitEvenly(b.reshape(typed(placed), shape(-1, S, 1)), L + 1, 0);
  // [N, L + 1, D] to L + 1 times [N, D]
  const residualTables = b.reshape(b.transpose(typed(inputs.residualTables), [1, 0, 2]), [-1, D]);
  const vectors = b.splitEvenly(residualTables, L + 1, 0);
  const residualRows = perRow(inputs.residualTable);

  return {
    replaceHeads: (value, layer) =>
      b.node('Where', [masks[layer], b.gather(headValues[layer]!, headRows, 0), value]),
    addToResidual(residual, point) {
      const added = b.node('Mul', [factors[point], b.gather(vectors[point]!, residualRows, 0)]);
      return b.add(residual, b.reshape(added, [-1, D]));
    },
  };
}
