import type { DecoderSpec } from '../architectures/decoder.ts';
import type { GraphBuilder, Value } from '../graph/builder.ts';
import type { Frame } from './frame.ts';
import type { GraphInputs } from './inputs.ts';
import type { ComputeType } from './weights.ts';

/** What the rows of a batch change. */
export interface Interventions {
  /** Replaces the masked heads of a block at the rows' edit positions; `heads [Bl, S, H, d]`. */
  replaceHeads(heads: Value, layer: number): Value;
  /** Adds the rows' scaled vectors to the residual stream `[Bl · S, D]` at a point, at their edit positions. */
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
  const typed = (value: Value) => (compute === 'float32' ? value : b.cast(value, compute));
  const perRow = (table: Value) => b.unsqueeze(table, [1]);

  // [ΣB, H] and [ΣB, S] to [Bl, S, H, 1]
  const heads = b.unsqueeze(inputs.headMask, [1, 3]);
  const masks = frame.byPoint(b.node('And', [heads, b.unsqueeze(inputs.editPositions, [2, 3])]));
  // [M, L, H, d] to L times [M, H, d]
  const headTables = b.reshape(b.transpose(typed(inputs.headTables), [1, 0, 2, 3]), [-1, H, d]);
  const headValues = b.splitEvenly(headTables, L, 0);
  const headRows = frame.byPoint(perRow(inputs.headTable));

  // [ΣB] and [ΣB, S] to [Bl, S, 1]
  const placed = b.node('Where', [inputs.editPositions, perRow(inputs.residualScale), b.floats([0], [])]);
  const factors = frame.byPoint(b.unsqueeze(typed(placed), [2]));
  // [A, L + 1, D] to L + 1 times [A, D]
  const residualTables = b.reshape(b.transpose(typed(inputs.residualTables), [1, 0, 2]), [-1, D]);
  const vectors = b.splitEvenly(residualTables, L + 1, 0);
  const residualRows = frame.byPoint(perRow(inputs.residualTable));

  return {
    replaceHeads: (value, layer) =>
      b.node('Where', [masks[layer], b.gather(headValues[layer]!, headRows[layer]!, 0), value]),
    addToResidual(residual, point) {
      const added = b.node('Mul', [factors[point], b.gather(vectors[point]!, residualRows[point]!, 0)]);
      return b.add(residual, b.reshape(added, [-1, D]));
    },
  };
}
