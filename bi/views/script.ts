import { sqlName, sqlString } from '../../lake/engine/sql-text.ts';
import type { LakeSnapshot } from '../../lake/engine/types.ts';
import type { Lake } from '../../lake/lake.ts';
import { type LocatedFile, relationSql } from '../../lake/relation.ts';
import type { CallOptions } from '../../lake/store/object-store.ts';
import type { TableSpec } from '../../lake/tables/schema.ts';
import { RUN_STORES, RUNS } from '../../lake/tables/tables.ts';
import { type Listed, listedTable, type View } from './view.ts';

/** Macro of published SQL: the list of the paths of one part of a table, by its name. */
export const FILES_MACRO = 'runlake_files';
const ROOT_MACRO = 'runlake_root';

/** Where clients find the objects of a lake: an absolute path, or `s3://bucket/prefix`. */
export function rootMacro(root: string): string {
  return `CREATE OR REPLACE MACRO ${ROOT_MACRO}() AS ${sqlString(root)}`;
}

/** SQL that defines every table and view of a snapshot over its files. */
export interface SnapshotScript {
  /** Which files a part of a table has; the views name parts only, so that they stay short. */
  readonly files: string;
  /** The views, their comments, and the table that names the snapshot. */
  readonly definitions: readonly string[];
}

/** A view of exactly the visible rows for every table of a snapshot, and the views over them. */
export async function snapshotScript(
  lake: Lake,
  snapshot: LakeSnapshot,
  views: readonly View[],
  options: CallOptions = {},
): Promise<SnapshotScript> {
  const parts = new Map<string, readonly string[]>();
  const definitions: string[] = [];
  for (const spec of lake.specs.values()) {
    const { stored, files } = await lake.files(snapshot, spec.name, options);
    let n = 0;
    const named = (group: readonly LocatedFile[]) => {
      const part = `${spec.name}/${n++}`;
      parts.set(
        part,
        group.map((file) => file.local),
      );
      return `${FILES_MACRO}(${sqlString(part)})`;
    };
    const located = files.map((file) => ({ ...file, local: file.key }));
    definitions.push(
      ...defined(listedTable(spec), `SELECT * FROM ${relationSql(spec, stored, located, named)}`),
    );
  }
  for (const view of views) definitions.push(...defined(view, view.sql));
  definitions.push(snapshotTable(snapshot));
  return { files: filesMacro(parts), definitions };
}

/**
 * SQL that defines the same tables and views by DuckDB's `delta_scan`, whatever the newest state is when they are read.
 * Current rows are those whose ingest a run names.
 */
export function deltaScript(specs: Iterable<TableSpec>, views: readonly View[]): readonly string[] {
  // The last table that an ingest commits names the rows of those before it.
  const tables = [...specs].reverse().map((spec) => {
    const columns = spec.columns.map((column) => sqlName(column.name)).join(', ');
    const scan = `SELECT ${columns} FROM delta_scan(${ROOT_MACRO}() || ${sqlString(`/tables/${spec.name}`)})`;
    return defined(listedTable(spec), `${scan}${currentRows(spec)}`);
  });
  return [...tables, ...views.map((view) => defined(view, view.sql))].flat();
}

function currentRows({ name, columns }: TableSpec): string {
  const has = (column: string) => columns.some((candidate) => candidate.name === column);
  if (name === RUNS.name || !has('ingest_id')) return '';
  return has('run_id')
    ? ` WHERE ingest_id IN (SELECT ingest_id FROM ${RUNS.name})`
    : ` WHERE ingest_id IN (SELECT store_ingest_id FROM ${RUN_STORES.name})`;
}

function defined({ name, description, columns }: Listed, select: string): string[] {
  const view = sqlName(name);
  return [
    `CREATE OR REPLACE VIEW ${view} AS ${select}`,
    `COMMENT ON VIEW ${view} IS ${sqlString(description)}`,
    ...columns.map(
      (column) => `COMMENT ON COLUMN ${view}.${sqlName(column.name)} IS ${sqlString(column.description)}`,
    ),
  ];
}

/** Paths as lines of one text: DuckDB takes that ten times faster than a list of as many constants. */
function filesMacro(parts: ReadonlyMap<string, readonly string[]>): string {
  const cases = [...parts].map(([part, keys]) => `WHEN ${sqlString(part)} THEN ${lines(keys)}`);
  const list = cases.length === 0 ? `''` : `CASE part ${cases.join(' ')} END`;
  return `CREATE OR REPLACE MACRO ${FILES_MACRO}(part) AS string_split(replace(${list}, chr(10), chr(10) || ${ROOT_MACRO}() || '/'), chr(10))[2:]`;
}

function lines(keys: readonly string[]): string {
  return sqlString(keys.map((key) => `\n${key}`).join(''));
}

function snapshotTable({ token, timestamp, versions }: LakeSnapshot): string {
  const entries = Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = entries.map(([name]) => sqlString(name)).join(', ');
  const numbers = entries.map(([, version]) => version).join(', ');
  return `CREATE OR REPLACE TABLE runlake_snapshot AS SELECT ${sqlString(token)} AS token, ${sqlString(timestamp.toISOString())}::TIMESTAMPTZ AS time, map([${names}]::VARCHAR[], [${numbers}]::BIGINT[]) AS versions`;
}
