import type { Cell, Column, Row, TableSpec } from '../../../lake/tables/schema.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import { jsonText } from '../../run-files/json-text.ts';

/** Which member of a document a column holds, as keys from the root. */
export type MemberPaths = Readonly<Record<string, readonly string[]>>;

/** The member of a document at a path of keys. */
export function memberAt(document: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const key of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/**
 * A row with the members that have a column, and in `extra` everything else: what has no column, and what does not fit
 * the type of its own.
 * @param elsewhere members that went into other tables
 */
export function memberRow(
  table: TableSpec,
  document: JsonObject,
  paths: MemberPaths,
  elsewhere: readonly (readonly string[])[] = [],
): Row {
  const row: Record<string, Cell> = {};
  const taken = [...elsewhere];
  for (const column of table.columns) {
    const path = paths[column.name];
    if (path === undefined) continue;
    const value = memberAt(document, path);
    if (value === undefined) continue;
    const cell = cellOf(column, value);
    if (cell === undefined) continue;
    row[column.name] = cell;
    taken.push(path);
  }
  return { ...row, extra: extraText(without(document, taken)) };
}

/** What is left of an object, for `extra`. */
export function extraText(rest: JsonObject): string | null {
  return Object.keys(rest).length === 0 ? null : jsonText(rest);
}

/** The cell of a value; undefined when it does not fit the column. */
function cellOf({ type }: Column, value: JsonValue): Cell {
  if (value === null) return null;
  switch (type) {
    case 'double':
      return asNumber(value);
    case 'long':
      if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : undefined;
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'string[]':
      return Array.isArray(value) ? texts(value) : undefined;
    default:
      return undefined;
  }
}

function texts(values: readonly JsonValue[]): string[] | undefined {
  const list = values.filter((value) => typeof value === 'string');
  return list.length === values.length ? list : undefined;
}

/** A copy of an object without the members at some paths, and without the objects that this leaves empty. */
export function without(object: JsonObject, paths: readonly (readonly string[])[]): JsonObject {
  const rest: JsonObject = Object.create(null);
  for (const [key, value] of Object.entries(object)) {
    const below = paths.filter(([head]) => head === key).map((path) => path.slice(1));
    if (below.some((path) => path.length === 0)) continue;
    if (below.length === 0 || !isJsonObject(value)) {
      rest[key] = value;
      continue;
    }
    const inner = without(value, below);
    if (Object.keys(inner).length > 0) rest[key] = inner;
  }
  return rest;
}

/** A list of objects at a path of a document. */
export function objectsAt(document: JsonObject, path: readonly string[]): JsonObject[] {
  const value = memberAt(document, path);
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
