import type { PruneCondition } from './engine/types.ts';
import type { AddFile } from './log/actions.ts';
import { mayMatchAll } from './log/prune.ts';
import type { Snapshot as TableSnapshot } from './log/snapshot.ts';
import { fileStats } from './log/stats.ts';
import { duckdbType } from './parquet/duckdb-types.ts';
import { sqlName, sqlString } from './parquet/file-name.ts';
import type { Column, TableSpec } from './tables/schema.ts';
import { RUNS } from './tables/tables.ts';
import { columnCountOf, ingestsOf } from './visibility.ts';

/** A live data file that holds visible rows. */
export interface VisibleFile {
  /** Path below the table root. */
  readonly path: string;
  readonly add: AddFile;
  /** When some rows are not visible: the ingests whose rows are. */
  readonly onlyIngests: readonly string[] | undefined;
}

/**
 * The files of a table that can hold visible rows which satisfy every condition.
 * @param wanted ingests of which rows are wanted at all, where the caller knows
 */
export function visibleFiles(
  table: TableSnapshot,
  visible: ReadonlySet<string>,
  prune: readonly PruneCondition[] = [],
  wanted: ReadonlySet<string> = visible,
): VisibleFile[] {
  const files: VisibleFile[] = [];
  for (const [path, add] of table.files) {
    // `runs` is what visibility is made of: all its live rows are current.
    const ingests = table.spec.name === RUNS.name ? [] : ingestsOf(add);
    if (ingests.length > 0 && !ingests.some((ingest) => wanted.has(ingest) && visible.has(ingest))) continue;
    if (!mayMatchAll(fileStats(add), prune, table.spec.columns)) continue;
    const whole = ingests.every((ingest) => visible.has(ingest));
    files.push({
      path,
      add,
      onlyIngests: whole ? undefined : ingests.filter((ingest) => visible.has(ingest)),
    });
  }
  return files;
}

/** A visible file and where DuckDB finds it. */
export interface LocatedFile extends VisibleFile {
  readonly local: string;
}

/**
 * A SELECT of exactly the visible rows of these files.
 * @param spec the columns to give, in order
 * @param stored the columns of the table in the order in which they were added
 */
export function relationSql(spec: TableSpec, stored: TableSpec, files: readonly LocatedFile[]): string {
  const groups = new Map<string, LocatedFile[]>();
  for (const file of files) {
    const key = JSON.stringify([columnCountOf(file.add) ?? null, file.onlyIngests ?? null]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  const parts = [...groups.values()].map((group) => scan(spec, stored, group));
  if (parts.length === 0) parts.push(`SELECT ${spec.columns.map(nullColumn).join(', ')} WHERE false`);
  return `(${parts.join(' UNION ALL ')})`;
}

function nullColumn(column: Column): string {
  return `NULL::${duckdbType(column.type).toString()} AS ${sqlName(column.name)}`;
}

/** One scan of files with the same columns and the same visible ingests. */
function scan(spec: TableSpec, stored: TableSpec, files: readonly LocatedFile[]): string {
  const { add, onlyIngests } = files[0]!;
  const count = columnCountOf(add);
  const present = new Set(stored.columns.slice(0, count).map((c) => c.name));
  const columns = spec.columns.map((c) => (present.has(c.name) ? sqlName(c.name) : nullColumn(c)));
  const paths = files.map((file) => sqlString(file.local)).join(', ');
  const byName = count === undefined ? ', union_by_name = true' : '';
  const only =
    onlyIngests === undefined ? '' : ` WHERE ingest_id IN (${onlyIngests.map(sqlString).join(', ')})`;
  return `SELECT ${columns.join(', ')} FROM read_parquet([${paths}]${byName})${only}`;
}
