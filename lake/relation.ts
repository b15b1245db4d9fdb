import { sqlName, sqlString } from './engine/sql-text.ts';
import type { PruneCondition } from './engine/types.ts';
import type { AddFile } from './log/actions.ts';
import { mayMatchAll } from './log/prune.ts';
import type { Snapshot as TableSnapshot } from './log/snapshot.ts';
import { fileStats, type StatValue } from './log/stats.ts';
import { duckdbType } from './parquet/duckdb-types.ts';
import type { Column, ColumnType, TableSpec } from './tables/schema.ts';
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

/** Ingests of a file whose rows are visible, and whether these are all that it holds. */
interface FileVisibility {
  readonly ingests: readonly string[];
  readonly whole: boolean;
}

const UNTAGGED: FileVisibility = { ingests: [], whole: true };

/** By snapshot, whose set of visible ingests never changes. A compacted file may hold ten thousand ingests. */
const known = new WeakMap<ReadonlySet<string>, WeakMap<AddFile, FileVisibility>>();

function visibleIngestsOf(add: AddFile, visible: ReadonlySet<string>): FileVisibility {
  let files = known.get(visible);
  if (files === undefined) {
    files = new WeakMap();
    known.set(visible, files);
  }
  let found = files.get(add);
  if (found === undefined) {
    const all = ingestsOf(add);
    const ingests = all.filter((ingest) => visible.has(ingest));
    found = { ingests, whole: ingests.length === all.length };
    files.set(add, found);
  }
  return found;
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
    const { ingests, whole } = table.spec.name === RUNS.name ? UNTAGGED : visibleIngestsOf(add, visible);
    if (!whole && ingests.length === 0) continue;
    if (ingests.length > 0 && wanted !== visible && !ingests.some((ingest) => wanted.has(ingest))) continue;
    if (!mayMatchAll(fileStats(add), prune, table.spec.columns)) continue;
    files.push({ path, add, onlyIngests: whole ? undefined : ingests });
  }
  return files;
}

/** DuckDB has no longer ARRAYs. */
const MAX_ARRAY = 100_000;

/** The length of each list column of which the statistics of all files say that it is one and the same. */
export function listLengths(spec: TableSpec, files: readonly VisibleFile[]): Map<string, number> {
  const lengths = new Map<string, number>();
  for (const { name, lengthColumn } of spec.columns) {
    if (lengthColumn === undefined) continue;
    const bounds = files.flatMap(({ add }) => {
      const { minValues, maxValues } = fileStats(add);
      return [minValues?.[lengthColumn], maxValues?.[lengthColumn]].map(Number);
    });
    const [length] = bounds;
    if (length === undefined || !(length >= 1 && length <= MAX_ARRAY)) continue;
    if (bounds.every((bound) => bound === length)) lengths.set(name, length);
  }
  return lengths;
}

/** Types whose bounds of a file are exact where they are equal: longer texts are cut, the upper bound being raised. */
const EXACT: ReadonlySet<ColumnType> = new Set(['string', 'integer', 'long']);

/** Whether the statistics of all files say that a column has one and the same value in all rows, or is null in all of them. */
export function isConstant(spec: TableSpec, files: readonly VisibleFile[], name: string): boolean {
  const type = spec.columns.find((column) => column.name === name)?.type;
  const [first] = files;
  if (type === undefined || !EXACT.has(type) || first === undefined) return false;
  const value = onlyValue(first.add, name);
  return value !== undefined && files.every(({ add }) => onlyValue(add, name) === value);
}

/** The value that a column has in all rows of a file, null for none; undefined where that is not known. */
function onlyValue(add: AddFile, name: string): StatValue | null | undefined {
  // Other writers cut both bounds of a text at the same place.
  if (columnCountOf(add) === undefined) return undefined;
  const { numRecords, nullCount, minValues, maxValues } = fileStats(add);
  const nulls = nullCount?.[name];
  if (nulls !== undefined && nulls === numRecords) return null;
  const value = minValues?.[name];
  return nulls === 0 && value === maxValues?.[name] ? value : undefined;
}

/** A visible file and where DuckDB finds it. */
export interface LocatedFile extends VisibleFile {
  readonly local: string;
}

/** Columns that say where a row lies: the local path of its file, and its number there from 0. */
export const ROW_FILE = '__file';
export const ROW_NUMBER = '__row';

/** SQL for the list of paths of some files. */
export type PathList = (files: readonly LocatedFile[]) => string;

const literalPaths: PathList = (files) => `[${files.map((file) => sqlString(file.local)).join(', ')}]`;

/**
 * A SELECT of exactly the visible rows of these files.
 * @param spec the columns to give, in order
 * @param stored the columns of the table in the order in which they were added
 * @param paths how the files of one scan are named; literally by default
 * @param places whether there are also the columns `ROW_FILE` and `ROW_NUMBER`
 */
export function relationSql(
  spec: TableSpec,
  stored: TableSpec,
  files: readonly LocatedFile[],
  paths: PathList = literalPaths,
  places = false,
): string {
  const groups = new Map<string, LocatedFile[]>();
  for (const file of files) {
    const key = JSON.stringify([columnCountOf(file.add) ?? null, file.onlyIngests ?? null]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  const parts = [...groups.values()].map((group) => scan(spec, stored, group, paths(group), places));
  if (parts.length === 0) parts.push(`SELECT ${spec.columns.map(nullColumn).join(', ')} WHERE false`);
  return `(${parts.join(' UNION ALL ')})`;
}

function nullColumn(column: Column): string {
  return `NULL::${duckdbType(column.type).toString()} AS ${sqlName(column.name)}`;
}

/** One scan of files with the same columns and the same visible ingests. */
function scan(
  spec: TableSpec,
  stored: TableSpec,
  files: readonly LocatedFile[],
  paths: string,
  places: boolean,
): string {
  const { add, onlyIngests } = files[0]!;
  const count = columnCountOf(add);
  const present = new Set(stored.columns.slice(0, count).map((c) => c.name));
  const columns = spec.columns.map((c) => (present.has(c.name) ? sqlName(c.name) : nullColumn(c)));
  const options = [paths];
  if (count === undefined) options.push('union_by_name = true');
  if (places) {
    options.push('filename = true', 'file_row_number = true');
    columns.push(`filename AS ${ROW_FILE}`, `file_row_number AS ${ROW_NUMBER}`);
  }
  const only =
    onlyIngests === undefined ? '' : ` WHERE ingest_id IN (${onlyIngests.map(sqlString).join(', ')})`;
  return `SELECT ${columns.join(', ')} FROM read_parquet(${options.join(', ')})${only}`;
}
