import { DuckDBDateValue, DuckDBListValue, DuckDBTimestampTZValue, type DuckDBValue } from '@duckdb/node-api';
import { InvalidArgumentError } from '../../lake/errors.ts';
import type { Cell, Column } from '../../lake/tables/schema.ts';

const MS_A_DAY = 86_400_000;

/** The error of a cell that is not of its column's type. */
export function wrongCell(column: Column, cell: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`column ${column.name} got a ${typeof cell}`, { expected: column.type });
}

/** One cell as DuckDB's API wants it. @throws InvalidArgumentError when the cell is not of the column's type */
export function duckdbValue(column: Column, cell: Cell): DuckDBValue {
  if (cell === null || cell === undefined) return null;
  switch (column.type) {
    case 'string':
    case 'json':
      // DuckDB stores UTF-8: a lone surrogate has no encoding there.
      if (typeof cell === 'string') return cell.isWellFormed() ? cell : cell.toWellFormed();
      break;
    case 'long':
      if (typeof cell === 'bigint') return cell;
      if (typeof cell === 'number' && Number.isSafeInteger(cell)) return BigInt(cell);
      break;
    case 'integer':
      if (typeof cell === 'number' && (cell | 0) === cell) return cell;
      break;
    case 'double':
      if (typeof cell === 'number') return cell;
      break;
    case 'boolean':
      if (typeof cell === 'boolean') return cell;
      break;
    case 'timestamp':
      if (typeof cell === 'bigint') return new DuckDBTimestampTZValue(cell);
      break;
    case 'date': {
      const ms = typeof cell === 'string' ? Date.parse(`${cell}T00:00:00Z`) : Number.NaN;
      if (Number.isFinite(ms)) return new DuckDBDateValue(ms / MS_A_DAY);
      break;
    }
    case 'float[]':
      if (cell instanceof Float32Array) return new DuckDBListValue(Array.from(cell));
      break;
    case 'string[]':
    case 'long[]':
      if (Array.isArray(cell)) return new DuckDBListValue(cell);
      break;
  }
  throw wrongCell(column, cell);
}
