import type { DuckDBConnection } from '@duckdb/node-api';
import { parquetMetadataAsync, parquetSchema } from 'hyparquet';
import { sqlName, sqlString } from '../engine/sql-text.ts';
import { messageOf } from '../errors.ts';
import type { AddFile } from '../log/actions.ts';
import { dataKey } from '../log/paths.ts';
import type { Snapshot } from '../log/snapshot.ts';
import { type FileStats, fileStats, type StatValue } from '../log/stats.ts';
import { duckdbType } from '../parquet/duckdb-types.ts';
import type { CallOptions, ObjectInfo, ObjectStore } from '../store/object-store.ts';
import type { Column, ColumnType } from '../tables/schema.ts';
import { finding, type Problem } from './findings.ts';
import type { Workspace } from './local-files.ts';

/** Parquet's physical types in which a column of ours may be stored. */
const PHYSICAL: Readonly<Record<ColumnType, readonly string[]>> = {
  string: ['BYTE_ARRAY'],
  json: ['BYTE_ARRAY'],
  long: ['INT64'],
  integer: ['INT32'],
  double: ['DOUBLE'],
  boolean: ['BOOLEAN'],
  timestamp: ['INT64', 'INT96'],
  date: ['INT32'],
  'float[]': ['FLOAT'],
  'string[]': ['BYTE_ARRAY'],
  'long[]': ['INT64'],
};

interface SchemaNode {
  readonly element: { readonly name: string; readonly type?: string };
  readonly children: readonly SchemaNode[];
}

function leafType(node: SchemaNode): string | undefined {
  return node.children.length === 0 ? node.element.type : leafType(node.children[0]!);
}

function schemaFaults(columns: readonly Column[], root: SchemaNode): string[] {
  const faults: string[] = [];
  const present = new Map(root.children.map((child) => [child.element.name, child]));
  for (const column of columns) {
    const node = present.get(column.name);
    if (!node) {
      if (column.nullable === false) faults.push(`required column ${column.name} is missing`);
      continue;
    }
    const type = leafType(node);
    const isList = column.type.endsWith('[]');
    if (type === undefined || !PHYSICAL[column.type].includes(type) || isList !== node.children.length > 0) {
      faults.push(`column ${column.name} is stored as ${type ?? 'a group'}, not as ${column.type}`);
    }
  }
  const known = new Set(columns.map((column) => column.name));
  for (const name of present.keys()) if (!known.has(name)) faults.push(`column ${name} is not in the table`);
  return faults;
}

interface Footer {
  readonly rows: number;
  readonly columns: ReadonlySet<string>;
  readonly faults: readonly string[];
}

/** Reads only the footer, by ranges. */
async function readFooter(
  store: ObjectStore,
  key: string,
  size: number,
  columns: readonly Column[],
  options: CallOptions,
): Promise<Footer> {
  const slice = async (start: number, end = size): Promise<ArrayBuffer> => {
    const bytes = await store.get(key, { ...options, range: { start, end } });
    return new Uint8Array(bytes).buffer;
  };
  const metadata = await parquetMetadataAsync({ byteLength: size, slice });
  const schema = parquetSchema(metadata);
  return {
    rows: Number(metadata.num_rows),
    columns: new Set(schema.children.map((child) => child.element.name)),
    faults: schemaFaults(columns, schema),
  };
}

function literal(column: Column, value: StatValue): string {
  return `${sqlString(String(value))}::${duckdbType(column.type).toString()}`;
}

/** SQL predicates that no row may satisfy if the statistics hold, with what their truth would mean. */
function violations(
  columns: readonly Column[],
  present: ReadonlySet<string>,
  stats: FileStats,
): [string, string][] {
  const checks: [string, string][] = [];
  for (const column of columns) {
    const name = sqlName(column.name);
    const [min, max] = [stats.minValues?.[column.name], stats.maxValues?.[column.name]];
    if (!present.has(column.name) || column.type.endsWith('[]') || column.type === 'boolean') continue;
    if (min !== undefined)
      checks.push([`${name} < ${literal(column, min)}`, `${column.name} has values below its minimum`]);
    if (max === undefined) continue;
    // Other writers cut timestamps to milliseconds and leave NaN out.
    const slack = column.type === 'timestamp' ? ' + INTERVAL 999 MICROSECONDS' : '';
    const number = column.type === 'double' ? ` AND NOT isnan(${name})` : '';
    checks.push([
      `${name} > ${literal(column, max)}${slack}${number}`,
      `${column.name} has values above its maximum`,
    ]);
  }
  return checks;
}

async function statsFaults(
  connection: DuckDBConnection,
  local: string,
  columns: readonly Column[],
  footer: Footer,
  stats: FileStats,
): Promise<string[]> {
  const checks = violations(columns, footer.columns, stats);
  const nulls = Object.entries(stats.nullCount ?? {}).filter(([name]) => footer.columns.has(name));
  const selected = [
    ...checks.map(([predicate]) => `count_if(${predicate})::DOUBLE`),
    ...nulls.map(([name]) => `count_if(${sqlName(name)} IS NULL)::DOUBLE`),
  ];
  if (selected.length === 0) return [];
  const sql = `SELECT ${selected.join(', ')} FROM read_parquet(${sqlString(local)})`;
  const row = (await connection.runAndReadAll(sql)).getRows()[0] ?? [];
  const faults = checks.filter((_, i) => row[i] !== 0).map(([, message]) => message);
  nulls.forEach(([name, count], i) => {
    const found = row[checks.length + i];
    if (found !== count) faults.push(`${name} has ${found} nulls, the statistics say ${count}`);
  });
  return faults;
}

export interface FileCheckOptions extends CallOptions {
  /** Read every row and check the statistics against it; otherwise only footers are read. */
  readonly data: boolean;
}

/** Checks one live data file: object, size, footer, schema, row count, statistics. Reports the first kind of fault that makes the later checks moot. */
export async function checkFile(
  store: ObjectStore,
  snapshot: Snapshot,
  path: string,
  file: AddFile,
  object: ObjectInfo | undefined,
  workspace: Workspace,
  options: FileCheckOptions,
): Promise<Problem[]> {
  const { root, spec } = snapshot;
  const key = dataKey(root, path);
  const problem = (code: Parameters<typeof finding>[0], message: string): Problem => ({
    finding: finding(code, root, key, message),
    file: path,
  });
  if (!object) return [problem('FILE_MISSING', 'the data file is not in the store')];
  if (object.size !== file.size) {
    return [problem('FILE_SIZE', `the data file has ${object.size} bytes, the log says ${file.size}`)];
  }
  let footer: Footer;
  try {
    footer = await readFooter(store, key, object.size, spec.columns, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return [problem('FILE_UNREADABLE', `the Parquet footer cannot be read: ${messageOf(error)}`)];
  }
  const problems = footer.faults.map((fault) => problem('FILE_SCHEMA', fault));
  const stats = fileStats(file);
  if (stats.numRecords !== undefined && stats.numRecords !== footer.rows) {
    problems.push(problem('ROW_COUNT', `the file has ${footer.rows} rows, the log says ${stats.numRecords}`));
  }
  if (!options.data || problems.length > 0) return problems;
  try {
    const local = await workspace.local(key, object.size);
    const faults = await statsFaults(workspace.connection, local, spec.columns, footer, stats);
    return faults.map((fault) => problem('STATS_WRONG', fault));
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return [problem('FILE_UNREADABLE', `the rows cannot be read: ${messageOf(error)}`)];
  }
}
