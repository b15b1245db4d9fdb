import type { PruneCondition } from '../engine/types.ts';
import type { Column, ColumnType } from '../tables/schema.ts';
import type { FileStats, StatValue } from './stats.ts';
import { parseTimestamp } from './timestamps.ts';
import { compareUtf8 } from './utf8-order.ts';

/** A value in the order of its column: texts by UTF-8, numbers and timestamps (microseconds) by size. */
type Ordered = string | number | bigint;

function ordered(type: ColumnType, value: StatValue): Ordered | undefined {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'date':
      return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined;
    case 'timestamp':
      return typeof value === 'string' ? parseTimestamp(value) : value;
    case 'long':
    case 'integer':
      return typeof value === 'string' || Number.isNaN(value) ? undefined : value;
    case 'double':
      // JSON prints 2^60 as 1152921504606847000: the nearest double is meant, not the integer.
      return typeof value === 'string' || Number.isNaN(value) ? undefined : Number(value);
    default:
      return undefined;
  }
}

function compare(a: Ordered, b: Ordered): number | undefined {
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b);
  if (typeof a === 'string' || typeof b === 'string') return undefined;
  // Mixed comparison of bigint and number is exact.
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Upper bounds of timestamps are cut to milliseconds by other writers. */
const MILLISECOND = 1000n;

function widened(type: ColumnType, max: Ordered): Ordered {
  return type === 'timestamp' && typeof max === 'bigint' ? max + (MILLISECOND - 1n) : max;
}

/**
 * Whether a file may hold a row that satisfies the condition. False only when its statistics exclude it;
 * rows in which the column is null satisfy no condition.
 * @param column the column that `condition` names; undefined when the table has no such column
 */
export function mayMatch(stats: FileStats, condition: PruneCondition, column: Column | undefined): boolean {
  if (!column) return true;
  const { name, type } = column;
  if (condition.in?.length === 0) return false;
  const nulls = stats.nullCount?.[name];
  if (nulls !== undefined && stats.numRecords !== undefined && nulls >= stats.numRecords) return false;
  const low = stats.minValues?.[name];
  const high = stats.maxValues?.[name];
  const min = low === undefined ? undefined : ordered(type, low);
  const bound = high === undefined ? undefined : ordered(type, high);
  const max = bound === undefined ? undefined : widened(type, bound);

  const below = (value: StatValue): boolean => {
    const wanted = ordered(type, value);
    return wanted !== undefined && min !== undefined && (compare(wanted, min) ?? 0) < 0;
  };
  const above = (value: StatValue): boolean => {
    const wanted = ordered(type, value);
    return wanted !== undefined && max !== undefined && (compare(wanted, max) ?? 0) > 0;
  };

  if (condition.in?.every((value) => below(value) || above(value))) return false;
  if (condition.lte !== undefined && below(condition.lte)) return false;
  // NaN is greater than every number in DuckDB, and other writers leave it out of the maximum.
  if (condition.gte !== undefined && type !== 'double' && above(condition.gte)) return false;
  return true;
}

/** Whether a file may hold rows that satisfy all conditions. */
export function mayMatchAll(
  stats: FileStats,
  conditions: readonly PruneCondition[],
  columns: readonly Column[],
): boolean {
  return conditions.every((condition) =>
    mayMatch(
      stats,
      condition,
      columns.find((column) => column.name === condition.column),
    ),
  );
}
