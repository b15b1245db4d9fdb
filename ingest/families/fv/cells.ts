import type { Cell, Column, Row, TableSpec } from '../../../lake/tables/schema.ts';
import type { JsonObject, JsonValue } from '../../contracts/json-value.ts';
import { parseBoolPython, parseFloatPython, parseIntStrict } from '../../formats/csv/numbers.ts';
import { asNumber } from '../../metric-values.ts';
import { extraJson } from '../../run-files/json-text.ts';

function cellOf({ type }: Column, value: JsonValue | undefined): Cell {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'long':
    case 'integer':
      return typeof value === 'number' || typeof value === 'bigint' ? value : null;
    case 'double':
      return asNumber(value) ?? null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'string':
      return typeof value === 'string' ? value : null;
    default:
      return null;
  }
}

/** The row of a table that has columns named as a record's members; the other members go into `extra`. */
export type RowMaker = (record: JsonObject) => Row;

/** @param also members that reach columns of another name and are not to be repeated in `extra` */
export function rowMaker(table: TableSpec, also: readonly string[] = []): RowMaker {
  const columns = table.columns.filter(({ name }) => name !== 'run_id' && name !== 'ingest_id');
  const known = new Set([...columns.map(({ name }) => name), ...also]);
  return (record) => {
    const row: Record<string, Cell> = {};
    for (const column of columns) row[column.name] = cellOf(column, record[column.name]);
    row['extra'] = extraJson(record, known);
    return row;
  };
}

/** A field of a CSV file as the value that JSON would have for a column; the text itself where it is none. */
export function csvValue(type: Column['type'] | undefined, text: string): JsonValue {
  if (type === undefined || type === 'string') return text;
  if (text === '') return null;
  switch (type) {
    case 'long':
    case 'integer':
      return parseIntStrict(text) ?? text;
    case 'boolean':
      return parseBoolPython(text) ?? parseFloatPython(text) ?? text;
    default:
      return parseFloatPython(text) ?? text;
  }
}
