import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import { sqlName } from '../engine/sql-text.ts';
import type { ResultColumn } from '../engine/types.ts';

/** Types that Arrow or Parquet lack or would store with losses, and as what they are exported. */
const EXPORTED_AS: Readonly<Partial<Record<DuckDBTypeId, string>>> = {
  // What sums of BIGINT are. The few values with more than 38 digits make the cast, and so the export, fail.
  [DuckDBTypeId.HUGEINT]: 'DECIMAL(38, 0)',
  [DuckDBTypeId.UHUGEINT]: 'VARCHAR',
  [DuckDBTypeId.BIGNUM]: 'VARCHAR',
  // Parquet and pandas have no seconds and milliseconds of their own.
  [DuckDBTypeId.TIMESTAMP_S]: 'TIMESTAMP',
  [DuckDBTypeId.TIMESTAMP_MS]: 'TIMESTAMP',
  [DuckDBTypeId.TIME_TZ]: 'VARCHAR',
  [DuckDBTypeId.TIME_NS]: 'VARCHAR',
  [DuckDBTypeId.INTERVAL]: 'VARCHAR',
  [DuckDBTypeId.UUID]: 'VARCHAR',
  [DuckDBTypeId.ENUM]: 'VARCHAR',
  [DuckDBTypeId.BIT]: 'VARCHAR',
  [DuckDBTypeId.UNION]: 'VARCHAR',
  [DuckDBTypeId.GEOMETRY]: 'VARCHAR',
  [DuckDBTypeId.VARIANT]: 'VARCHAR',
  [DuckDBTypeId.SQLNULL]: 'INTEGER',
};

/** What becomes of arrays, which are lists of fixed size. */
export type Arrays = 'arrays' | 'lists';

/** The SQL type as which values of a type are exported; undefined for the type itself. */
export function exportedAs(type: DuckDBType, arrays: Arrays = 'arrays'): string | undefined {
  if (type instanceof DuckDBListType) return suffixed(exportedAs(type.valueType, arrays), '[]');
  if (type instanceof DuckDBArrayType) {
    const item = exportedAs(type.valueType, arrays);
    return arrays === 'lists' ? `${item ?? type.valueType}[]` : suffixed(item, `[${type.length}]`);
  }
  if (type instanceof DuckDBMapType) {
    const [key, value] = [exportedAs(type.keyType, arrays), exportedAs(type.valueType, arrays)];
    return key === undefined && value === undefined
      ? undefined
      : `MAP(${key ?? type.keyType}, ${value ?? type.valueType})`;
  }
  if (type instanceof DuckDBStructType) {
    const entries = type.entryTypes.map((entry) => exportedAs(entry, arrays));
    // `row(…)` makes structs whose entries have no names.
    if (entries.every((entry) => entry === undefined) && !type.entryNames.includes('')) return undefined;
    return `STRUCT(${type.entryTypes
      .map((entry, i) => `${sqlName(type.entryNames[i] || `f${i + 1}`)} ${entries[i] ?? entry}`)
      .join(', ')})`;
  }
  return EXPORTED_AS[type.typeId];
}

function suffixed(type: string | undefined, suffix: string): string | undefined {
  return type === undefined ? undefined : type + suffix;
}

/**
 * A statement with the same rows in the same order, whose columns have different names and types that can be exported.
 * @param sql one SELECT, which has these columns
 */
export function exportable(columns: readonly ResultColumn[], sql: string, arrays: Arrays = 'arrays'): string {
  const names = distinctNames(columns.map(({ name }) => name));
  const types = columns.map(({ type }) => exportedAs(type, arrays));
  if (types.every((type) => type === undefined) && columns.every(({ name }, i) => name === names[i]))
    return sql;
  const selected = columns.map((_, i) => {
    const value = types[i] === undefined ? `c${i}` : `c${i}::${types[i]}`;
    return `${value} AS ${sqlName(names[i]!)}`;
  });
  const aliases = columns.map((_, i) => `c${i}`);
  return `SELECT ${selected.join(', ')} FROM (${sql}\n) AS t(${aliases.join(', ')})`;
}

/** Names of which no two differ in case only; what comes later gets a number: `run_id`, `run_id_1`. */
function distinctNames(names: readonly string[]): string[] {
  const given = new Set(names.map((name) => name.toLowerCase()));
  const taken = new Set<string>();
  return names.map((name) => {
    let distinct = name;
    for (let n = 1; taken.has(distinct.toLowerCase()); n++) {
      const candidate = `${name}_${n}`;
      if (!given.has(candidate.toLowerCase())) distinct = candidate;
    }
    taken.add(distinct.toLowerCase());
    return distinct;
  });
}
