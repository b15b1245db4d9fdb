import { z } from 'zod';

/** Rows of an answer under named columns. */
export interface ResultTable {
  /** The fields that lead to it from the root of the answer; empty for single values of the root. */
  readonly path: readonly string[];
  readonly columns: readonly string[];
  /** A cell a column: text, number, boolean, null, or a list or object as it came. */
  readonly rows: readonly (readonly unknown[])[];
  /** How many rows there are, where the answer says so. */
  readonly total?: number | undefined;
  /** Whether the server has more rows than these. */
  readonly more: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Columns beyond which objects are not taken apart: a JSON field may have other members in every row. */
const MOST_COLUMNS = 300;

const pageOf = z.object({
  totalCount: z.number().optional().catch(undefined),
  pageInfo: z.object({ hasNextPage: z.boolean().optional() }).optional().catch(undefined),
});

const sqlResult = z.object({
  columns: z.array(z.object({ name: z.string() })),
  rows: z.array(z.array(z.unknown())),
  truncated: z.boolean().optional(),
});

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The tables in the data of an answer: nodes of connections, other lists of the root or of its objects, results of `sql`,
 * and a row for what stands alone. Nested objects become columns with dots (`prediction.scoreHalu`), as `pandas.json_normalize`
 * has them; lists stay values.
 */
export function tablesOf(data: unknown): readonly ResultTable[] {
  if (!isFields(data)) return [];
  const tables: ResultTable[] = [];
  const alone: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data)) {
    const list = listAt([name], value);
    if (list !== undefined) tables.push(list);
    else if (isFields(value)) tables.push(...objectAt([name], value));
    else alone[name] = value;
  }
  return [...rowAt([], alone), ...tables];
}

/** A row of an object, and tables of the lists in it. */
function objectAt(path: readonly string[], fields: Fields): ResultTable[] {
  const { row, tables } = separated(path, fields);
  return [...rowAt(path, row), ...tables];
}

function rowAt(path: readonly string[], row: Fields): ResultTable[] {
  return Object.keys(row).length === 0 ? [] : [{ path, ...flatten([row]), more: false }];
}

function separated(path: readonly string[], fields: Fields): { row: Fields; tables: ResultTable[] } {
  const row: Record<string, unknown> = {};
  const tables: ResultTable[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const list = listAt([...path, name], value);
    if (list !== undefined) tables.push(list);
    else if (isFields(value)) {
      const inner = separated([...path, name], value);
      tables.push(...inner.tables);
      if (Object.keys(inner.row).length > 0) row[name] = inner.row;
    } else row[name] = value;
  }
  return { row, tables };
}

/** The table of what is a list in one form or another; lists of plain values of an object are values of its row. */
function listAt(path: readonly string[], value: unknown): ResultTable | undefined {
  if (Array.isArray(value)) {
    return value.some(isFields) || path.length === 1 ? { path, ...flatten(value), more: false } : undefined;
  }
  if (!isFields(value)) return undefined;
  const sql = sqlResult.safeParse(value);
  if (sql.success) {
    const { columns, rows, truncated = false } = sql.data;
    return { path, columns: distinct(columns.map(({ name }) => name)), rows, more: truncated };
  }
  const nodes = nodesOf(value);
  if (nodes === undefined) return undefined;
  const { totalCount, pageInfo } = pageOf.parse(value);
  return { path, ...flatten(nodes), total: totalCount, more: pageInfo?.hasNextPage ?? false };
}

function nodesOf({ nodes, edges }: Fields): readonly unknown[] | undefined {
  if (Array.isArray(nodes)) return nodes;
  if (!Array.isArray(edges) || !edges.every((edge) => isFields(edge) && 'node' in edge)) return undefined;
  return edges.map((edge: Fields) => edge['node']);
}

/** Names of which none is there twice, as exports number them: `run_id`, `run_id_1`. */
function distinct(names: readonly string[]): string[] {
  const used = new Set<string>();
  return names.map((name) => {
    let free = name;
    for (let n = 1; used.has(free); n += 1) free = `${name}_${n}`;
    used.add(free);
    return free;
  });
}

function flatten(items: readonly unknown[]): Pick<ResultTable, 'columns' | 'rows'> {
  const deep = items.map((item) => cellsOf(item, true));
  const columns = columnsOf(deep);
  if (columns.length <= MOST_COLUMNS) return { columns, rows: rowsOf(deep, columns) };
  const flat = items.map((item) => cellsOf(item, false));
  const outer = columnsOf(flat);
  return { columns: outer, rows: rowsOf(flat, outer) };
}

function cellsOf(item: unknown, deep: boolean): ReadonlyMap<string, unknown> {
  const cells = new Map<string, unknown>();
  const add = (prefix: string, fields: Fields) => {
    for (const [name, value] of Object.entries(fields)) {
      const column = `${prefix}${name}`;
      if (deep && isFields(value) && Object.keys(value).length > 0) add(`${column}.`, value);
      else cells.set(column, value);
    }
  };
  if (isFields(item)) add('', item);
  else if (item !== null) cells.set('value', item);
  return cells;
}

/** All columns in the order in which they come; not those of objects that are null in some rows and taken apart in others. */
function columnsOf(rows: readonly ReadonlyMap<string, unknown>[]): string[] {
  const columns = new Map<string, boolean>();
  for (const row of rows) {
    for (const [column, value] of row) columns.set(column, (columns.get(column) ?? false) || value !== null);
  }
  const objects = new Set<string>();
  for (const column of columns.keys()) {
    for (let dot = column.indexOf('.'); dot > 0; dot = column.indexOf('.', dot + 1))
      objects.add(column.slice(0, dot));
  }
  return [...columns]
    .filter(([column, hasValue]) => hasValue || !objects.has(column))
    .map(([column]) => column);
}

function rowsOf(
  rows: readonly ReadonlyMap<string, unknown>[],
  columns: readonly string[],
): readonly (readonly unknown[])[] {
  return rows.map((row) => columns.map((column) => row.get(column) ?? null));
}

/** A cell as text, with every digit; lists and objects as JSON. */
export function textOf(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

/** A table as records, for files. */
export function recordsOf({ columns, rows }: ResultTable): Readonly<Record<string, string>>[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, textOf(row[i])])));
}
