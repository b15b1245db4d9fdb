import type { GraphBuilder, Value } from '../graph/builder.ts';
import type { GraphInputs } from './inputs.ts';
import type { ComputeType } from './weights.ts';

/** What a row's table holds for one layer: `tables [n, layers, …]`, `table [B]` to `[B, …]`. */
function ofRow(b: GraphBuilder, tables: Value, table: Value, layer: number, compute: ComputeType): Value {
  const values = b.gather(b.gather(tables, b.integers([layer], []), 1), table, 0);
  return compute === 'float32' ? values : b.cast(values, compute);
}

/** Replaces the masked heads of a block at the rows' edit positions; `heads [B, S, H, d]`. */
export function replaceHeads(
  b: GraphBuilder,
  inputs: GraphInputs,
  heads: Value,
  layer: number,
  compute: ComputeType,
): Value {
  const values = b.unsqueeze(ofRow(b, inputs.headTables, inputs.headTable, layer, compute), [1]);
  const ofLayer = b.unsqueeze(b.gather(inputs.headMask, b.integers([layer], []), 1), [1, 3]);
  const where = b.node('And', [ofLayer, b.unsqueeze(inputs.editPositions, [2, 3])]);
  return b.node('Where', [where, values, heads]);
}

/** Adds the rows' scaled vectors to the residual stream `[B · S, D]` at their edit positions. */
export function addToResidual(
  b: GraphBuilder,
  inputs: GraphInputs,
  residual: Value,
  index: number,
  hidden: number,
  compute: ComputeType,
): Value {
  const vectors = b.unsqueeze(ofRow(b, inputs.residualTables, inputs.residualTable, index, compute), [1]);
  const scale = b.unsqueeze(b.gather(inputs.residualScale, b.integers([index], []), 1), [1]);
  const ofPosition = b.node('Where', [inputs.editPositions, scale, b.floats([0], [])]);
  const factors = b.unsqueeze(compute === 'float32' ? ofPosition : b.cast(ofPosition, compute), [2]);
  return b.add(residual, b.reshape(b.node('Mul', [factors, vectors]), [-1, hidden]));
}
