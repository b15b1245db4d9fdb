import { columnOf, ENTITIES } from './entities.ts';
import type { Condition } from './ir.ts';

/** A learning rate that a client computed may be an ulp or two away from the one in the file. */
const ROUNDING = 1e-12;

/** The row of a run at a learning rate. */
export function comparisonCondition(runId: string, eta: number): Condition {
  const entity = ENTITIES.EntropyComparison;
  const column = columnOf(entity, 'eta');
  const slack = Math.abs(eta) * ROUNDING;
  return {
    kind: 'all',
    items: [
      { kind: 'compare', column: columnOf(entity, 'run_id'), op: 'eq', value: runId.toWellFormed() },
      { kind: 'compare', column, op: 'gte', value: eta - slack },
      { kind: 'compare', column, op: 'lte', value: eta + slack },
    ],
  };
}
