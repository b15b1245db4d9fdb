import type { Relation } from '../../lake/engine/types.ts';
import type { Rows, Slot, Statement } from './ir.ts';

/**
 * The statement without the order keys that have one value in all rows of their relation: the order is the same, and the
 * columns need not be read for it.
 * @param relations of the statement's sources
 */
export function withoutConstantKeys(statement: Statement, relations: readonly Relation[]): Statement {
  const { rows } = statement;
  return rows === undefined ? statement : { ...statement, rows: unordered(rows, relations) };
}

function unordered(rows: Rows, relations: readonly Relation[]): Rows {
  const relation = relations[rows.source];
  return {
    ...rows,
    order: rows.order.filter(({ column }) => relation?.isConstant?.(column.name) !== true),
    slots: rows.slots.map(
      (slot): Slot => (slot.kind === 'column' ? slot : { ...slot, rows: unordered(slot.rows, relations) }),
    ),
  };
}
