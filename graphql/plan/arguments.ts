import type { Column } from '../../lake/tables/schema.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import { columnOf, type Entity } from './entities.ts';
import type { Condition, OrderKey } from './ir.ts';

/** Coerced GraphQL arguments: the schema has checked their types. */
export type Arguments = Readonly<Record<string, unknown>>;

/** Reads `first`. @throws BadUserInputError, LimitExceededError */
export function pageSize(args: Arguments, fallback: number, max: number): number {
  const first = args['first'] ?? fallback;
  if (typeof first !== 'number' || first < 0) {
    throw new BadUserInputError('first', 'is negative', { expected: `0 to ${max}` });
  }
  if (first > max) {
    throw new LimitExceededError('pageSize', max, first, 'ask for smaller pages and follow endCursor');
  }
  return first;
}

/** Reads `orderBy` and appends the identity of the rows, so that the order is total (up to equal rows). */
export function orderKeys(entity: Entity, args: Arguments): OrderKey[] {
  const keys: OrderKey[] = [];
  const seen = new Set<string>();
  const add = (column: Column, direction: 'ASC' | 'DESC', nulls: 'FIRST' | 'LAST') => {
    if (seen.has(column.name)) return;
    seen.add(column.name);
    keys.push({ column, direction, nulls });
  };
  const orderBy: unknown = args['orderBy'];
  if (Array.isArray(orderBy)) {
    for (const { field, direction, nulls } of orderBy) {
      add(
        columnOf(entity, field),
        direction === 'DESC' ? 'DESC' : 'ASC',
        nulls === 'FIRST' ? 'FIRST' : 'LAST',
      );
    }
  }
  for (const name of entity.identity) add(columnOf(entity, name), 'ASC', 'LAST');
  return keys;
}

/** The arguments that select activations without a filter: `layer` (negative: from the last), `site`, `tokenSelector`. */
export function activationArguments(
  entity: Entity,
  args: Arguments,
): { where: Condition[]; layerFromTop?: number } {
  const where: Condition[] = [];
  const text = (argument: string, column: string) => {
    const value = args[argument];
    if (typeof value !== 'string') return;
    where.push({ kind: 'compare', column: columnOf(entity, column), op: 'eq', value: value.toWellFormed() });
  };
  text('site', 'site');
  text('tokenSelector', 'token_selector');
  const layer = args['layer'];
  if (typeof layer !== 'number') return { where };
  if (layer < 0) return { where, layerFromTop: layer };
  where.push({ kind: 'compare', column: columnOf(entity, 'layer'), op: 'eq', value: layer });
  return { where };
}
