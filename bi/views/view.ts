import { sqlName } from '../../lake/engine/sql-text.ts';
import { duckdbType } from '../../lake/parquet/duckdb-types.ts';
import type { Column, TableSpec } from '../../lake/tables/schema.ts';
import type { LakeView } from '../../lake/tables/view.ts';

/** A column as clients of SQL see it. */
export interface ListedColumn {
  readonly name: string;
  /** The type as DuckDB prints it, e.g. `DOUBLE` or `VARCHAR[]`. */
  readonly type: string;
  readonly nullable: boolean;
  /** Whether its texts are JSON. */
  readonly json: boolean;
  /** One sentence or two. */
  readonly description: string;
}

/** A table or view as clients of SQL see it. */
export interface Listed {
  readonly kind: 'table' | 'view';
  readonly name: string;
  readonly description: string;
  readonly columns: readonly ListedColumn[];
}

/** A view over the tables of the lake, with its documentation. */
export interface View extends LakeView, Listed {
  readonly kind: 'view';
}

/** A column of a view, and how it is computed. */
export interface ViewColumn extends ListedColumn {
  readonly sql: string;
}

export interface ViewParts {
  readonly name: string;
  readonly description: string;
  readonly tables: readonly TableSpec[];
  readonly columns: readonly ViewColumn[];
  /** What follows the list of columns: FROM and the rest. */
  readonly from: string;
}

/** A view whose SELECT list is that of its documented columns, so that the two cannot drift apart. */
export function view({ name, description, tables, columns, from }: ViewParts): View {
  const list = columns.map(({ name, sql }) => `${sql} AS ${sqlName(name)}`).join(', ');
  return Object.freeze({
    kind: 'view',
    name,
    description,
    tables: tables.map((table) => table.name),
    columns: columns.map(({ sql, ...column }) => column),
    sql: `SELECT ${list} ${from}`,
  });
}

function listedColumn(column: Column): ListedColumn {
  return {
    name: column.name,
    type: duckdbType(column.type).toString(),
    nullable: column.nullable !== false,
    json: column.type === 'json',
    description: column.doc,
  };
}

/** A table of the lake as clients see it. */
export function listedTable(table: TableSpec): Listed {
  return Object.freeze({
    kind: 'table',
    name: table.name,
    description: table.doc,
    columns: table.columns.map(listedColumn),
  });
}

/** What of a table's column is different in a view. */
interface Changes {
  readonly as?: string;
  /** The row may be missing, as on the right side of an outer join. */
  readonly optional?: boolean;
  readonly description?: string;
}

/** A column of a table that is in FROM under an alias. */
export function from(
  alias: string,
  table: TableSpec,
  name: string,
  { as = name, optional = false, description }: Changes = {},
): ViewColumn {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new TypeError(`${table.name} has no column ${name}`);
  const listed = listedColumn(column);
  return {
    ...listed,
    name: as,
    nullable: listed.nullable || optional,
    description: description ?? listed.description,
    sql: `${alias}.${sqlName(name)}`,
  };
}

/** A column that the view computes; it may be null. */
export function computed(name: string, type: string, sql: string, description: string): ViewColumn {
  return { name, type, nullable: true, json: false, description, sql };
}
