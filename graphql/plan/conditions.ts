import type { PruneCondition, SqlValue } from '../../lake/engine/types.ts';
import type { Column } from '../../lake/tables/schema.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import type { Entity } from './entities.ts';
import type { CompareOp, Condition } from './ir.ts';

export const EVERYTHING: Condition = Object.freeze({ kind: 'all', items: [] });

/** What a filter needs of the statement it belongs to. */
export interface FilterScope {
  readonly entity: Entity;
  /** Registers the relation of `runs` for a condition on the run, and returns its number. */
  readonly runSource: (where: Condition) => number;
  readonly runEntity: Entity;
  readonly maxConditions: number;
  /** Levels of `and`, `or`, `not` and `run`. */
  readonly maxDepth: number;
}

type FilterValue = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is FilterValue {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSqlScalar(value: unknown): value is string | number | bigint | boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}

/**
 * Turns a coerced filter argument into a condition.
 * @throws BadUserInputError for a null operator or operand, LimitExceededError for too many conditions
 */
export function compileFilter(scope: FilterScope, filter: unknown, path: string): Condition {
  const budget = { used: 0 };
  const spend = (n: number) => {
    budget.used += n;
    if (budget.used > scope.maxConditions) {
      throw new LimitExceededError(
        'filterConditions',
        scope.maxConditions,
        budget.used,
        'split the query, or select by a range instead of a list',
      );
    }
  };
  return compileTree(scope, filter, path, spend);
}

function compileTree(
  scope: FilterScope,
  filter: unknown,
  path: string,
  spend: (n: number) => void,
  depth = 0,
): Condition {
  if (depth > scope.maxDepth) {
    throw new LimitExceededError('inputDepth', scope.maxDepth, depth, 'flatten the filter with in, and, or');
  }
  if (filter === undefined || filter === null) return EVERYTHING;
  const items: Condition[] = [];
  for (const [name, value] of Object.entries(filter)) {
    const at = `${path}.${name}`;
    if (value === undefined) continue;
    if (value === null) throw nullOperand(at);
    spend(1);
    if (name === 'and' || name === 'or') {
      const parts: unknown[] = Array.isArray(value) ? value : [value];
      items.push({
        kind: name === 'and' ? 'all' : 'any',
        items: parts.map((part, i) => compileTree(scope, part, `${at}[${i}]`, spend, depth + 1)),
      });
    } else if (name === 'not') {
      items.push({ kind: 'not', item: compileTree(scope, value, at, spend, depth + 1) });
    } else if (name === 'run' && !scope.entity.fields.has('run')) {
      const where = compileTree({ ...scope, entity: scope.runEntity }, value, at, spend, depth + 1);
      items.push({ kind: 'run', source: scope.runSource(where), where });
    } else {
      const field = scope.entity.fields.get(name);
      if (field === undefined || !isObject(value))
        throw new BadUserInputError(at, 'no such field to filter by');
      compileOperators(field.column, value, at, items, spend);
    }
  }
  return items.length === 1 && items[0] ? items[0] : { kind: 'all', items };
}

function nullOperand(at: string): BadUserInputError {
  return new BadUserInputError(at, 'is null', {
    expected: 'a value',
    remedy: 'leave it out to filter by nothing, or use isNull: true to select nulls',
  });
}

function compileOperators(
  column: Column,
  operators: FilterValue,
  path: string,
  items: Condition[],
  spend: (n: number) => void,
): void {
  for (const [op, operand] of Object.entries(operators)) {
    const at = `${path}.${op}`;
    if (operand === undefined) continue;
    if (operand === null) throw nullOperand(at);
    spend(Array.isArray(operand) ? operand.length : 1);
    items.push(compileOperator(column, op, operand, at));
  }
}

function compileOperator(column: Column, op: string, operand: unknown, at: string): Condition {
  switch (op) {
    case 'eq':
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return { kind: 'compare', column, op: op satisfies CompareOp, value: sqlValue(column, operand, at) };
    case 'ne':
      return {
        kind: 'not',
        item: { kind: 'compare', column, op: 'eq', value: sqlValue(column, operand, at) },
      };
    case 'in': {
      const list: unknown[] = Array.isArray(operand) ? operand : [operand];
      return { kind: 'in', column, values: list.map((item, i) => sqlValue(column, item, `${at}[${i}]`)) };
    }
    case 'isNull': {
      const isNull: Condition = { kind: 'null', column };
      return operand === true ? isNull : { kind: 'not', item: isNull };
    }
    case 'contains':
      return { kind: 'contains', column, value: wellFormed(String(operand)) };
    default:
      throw new BadUserInputError(at, 'no such operator');
  }
}

/** Lone surrogates have no UTF-8 form, so no stored text can contain one. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

function sqlValue(column: Column, value: unknown, at: string): SqlValue {
  if (value === null || !isSqlScalar(value)) throw nullOperand(at);
  if (column.type === 'long' && typeof value === 'number') return BigInt(value);
  return typeof value === 'string' ? wellFormed(value) : value;
}

const PRUNABLE: ReadonlySet<Column['type']> = new Set(['string', 'long', 'integer', 'date']);

function prunable(column: Column, value: SqlValue): value is string | number | bigint {
  return (
    PRUNABLE.has(column.type) &&
    (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
  );
}

/** What a condition says about every row it lets through, for skipping files. Never more than it says. */
export function pruneOf(condition: Condition): PruneCondition[] {
  switch (condition.kind) {
    case 'all':
      return condition.items.flatMap(pruneOf);
    case 'any':
      return condition.items.length === 1 && condition.items[0] ? pruneOf(condition.items[0]) : [];
    case 'in': {
      const values = condition.values.filter((value) => prunable(condition.column, value));
      return values.length === condition.values.length ? [{ column: condition.column.name, in: values }] : [];
    }
    case 'compare': {
      const { column, op, value } = condition;
      if (!prunable(column, value)) return [];
      if (op === 'eq') return [{ column: column.name, in: [value] }];
      return [
        op === 'gt' || op === 'gte'
          ? { column: column.name, gte: value }
          : { column: column.name, lte: value },
      ];
    }
    case 'run':
      return pruneOf(condition.where).filter(({ column }) => column === 'run_id');
    default:
      return [];
  }
}
