/** A type of PostgreSQL: a row of `pg_type` as far as clients look at it. */
export interface PgType {
  readonly oid: number;
  readonly name: string;
  /** Bytes of a value; -1 for varying length. */
  readonly length: number;
  /** `pg_type.typcategory`. */
  readonly category: string;
  /** What SQL calls it (`format_type`), where that is not its name. */
  readonly sqlName?: string;
  /** The oid of its array type; 0 for none. */
  readonly arrayOid: number;
  /** The oid of its elements, for arrays. */
  readonly elementOid?: number;
  /** `b` base, `p` pseudo, `c` composite. */
  readonly kind?: 'b' | 'p';
  /** The prefix of its input and output functions, where that is not its name. */
  readonly functions?: string;
}

/** Oids, lengths and categories as in PostgreSQL's own `pg_type.dat`. */
const BASE: readonly PgType[] = [
  { oid: 16, name: 'bool', length: 1, category: 'B', sqlName: 'boolean', arrayOid: 1000 },
  { oid: 17, name: 'bytea', length: -1, category: 'U', arrayOid: 1001 },
  { oid: 18, name: 'char', length: 1, category: 'Z', sqlName: '"char"', arrayOid: 1002 },
  { oid: 19, name: 'name', length: 64, category: 'S', arrayOid: 1003 },
  { oid: 20, name: 'int8', length: 8, category: 'N', sqlName: 'bigint', arrayOid: 1016 },
  { oid: 21, name: 'int2', length: 2, category: 'N', sqlName: 'smallint', arrayOid: 1005 },
  { oid: 22, name: 'int2vector', length: -1, category: 'A', arrayOid: 1006, elementOid: 21 },
  { oid: 23, name: 'int4', length: 4, category: 'N', sqlName: 'integer', arrayOid: 1007 },
  { oid: 24, name: 'regproc', length: 4, category: 'N', arrayOid: 1008 },
  { oid: 25, name: 'text', length: -1, category: 'S', arrayOid: 1009 },
  { oid: 26, name: 'oid', length: 4, category: 'N', arrayOid: 1028 },
  { oid: 30, name: 'oidvector', length: -1, category: 'A', arrayOid: 1013, elementOid: 26 },
  { oid: 114, name: 'json', length: -1, category: 'U', arrayOid: 199 },
  { oid: 194, name: 'pg_node_tree', length: -1, category: 'Z', arrayOid: 0 },
  { oid: 700, name: 'float4', length: 4, category: 'N', sqlName: 'real', arrayOid: 1021 },
  { oid: 701, name: 'float8', length: 8, category: 'N', sqlName: 'double precision', arrayOid: 1022 },
  { oid: 705, name: 'unknown', length: -2, category: 'X', arrayOid: 0, kind: 'p' },
  { oid: 1033, name: 'aclitem', length: 16, category: 'U', arrayOid: 1034 },
  { oid: 1042, name: 'bpchar', length: -1, category: 'S', sqlName: 'character', arrayOid: 1014 },
  { oid: 1043, name: 'varchar', length: -1, category: 'S', sqlName: 'character varying', arrayOid: 1015 },
  { oid: 1082, name: 'date', length: 4, category: 'D', arrayOid: 1182, functions: 'date_' },
  {
    oid: 1083,
    name: 'time',
    length: 8,
    category: 'D',
    sqlName: 'time without time zone',
    arrayOid: 1183,
    functions: 'time_',
  },
  {
    oid: 1114,
    name: 'timestamp',
    length: 8,
    category: 'D',
    sqlName: 'timestamp without time zone',
    arrayOid: 1115,
    functions: 'timestamp_',
  },
  {
    oid: 1184,
    name: 'timestamptz',
    length: 8,
    category: 'D',
    sqlName: 'timestamp with time zone',
    arrayOid: 1185,
    functions: 'timestamptz_',
  },
  { oid: 1186, name: 'interval', length: 16, category: 'T', arrayOid: 1187, functions: 'interval_' },
  {
    oid: 1266,
    name: 'timetz',
    length: 12,
    category: 'D',
    sqlName: 'time with time zone',
    arrayOid: 1270,
    functions: 'timetz_',
  },
  { oid: 1700, name: 'numeric', length: -1, category: 'N', arrayOid: 1231, functions: 'numeric_' },
  { oid: 2205, name: 'regclass', length: 4, category: 'N', arrayOid: 2210 },
  { oid: 2206, name: 'regtype', length: 4, category: 'N', arrayOid: 2211 },
  { oid: 2249, name: 'record', length: -1, category: 'P', arrayOid: 2287, kind: 'p', functions: 'record_' },
  {
    oid: 2276,
    name: 'any',
    length: 4,
    category: 'P',
    sqlName: '"any"',
    arrayOid: 0,
    kind: 'p',
    functions: 'any_',
  },
  { oid: 2277, name: 'anyarray', length: -1, category: 'P', arrayOid: 0, kind: 'p', functions: 'anyarray_' },
  { oid: 2278, name: 'void', length: 4, category: 'P', arrayOid: 0, kind: 'p', functions: 'void_' },
  { oid: 2950, name: 'uuid', length: 16, category: 'U', arrayOid: 2951, functions: 'uuid_' },
  { oid: 3802, name: 'jsonb', length: -1, category: 'U', arrayOid: 3807, functions: 'jsonb_' },
];

const ARRAYS: readonly PgType[] = BASE.filter((type) => type.arrayOid !== 0).map((type) => ({
  oid: type.arrayOid,
  name: `_${type.name}`,
  length: -1,
  category: 'A',
  sqlName: `${sqlNameOf(type)}[]`,
  arrayOid: 0,
  elementOid: type.oid,
  functions: 'array_',
}));

export const PG_TYPES: readonly PgType[] = [...BASE, ...ARRAYS].sort((a, b) => a.oid - b.oid);

export type PgTypeName =
  | 'bool'
  | 'bytea'
  | 'int8'
  | 'int2'
  | 'int4'
  | 'text'
  | 'oid'
  | 'json'
  | 'float4'
  | 'float8'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'interval'
  | 'timetz'
  | 'numeric'
  | 'uuid'
  | 'name'
  | 'char'
  | 'regproc'
  | 'int2vector'
  | 'oidvector'
  | 'aclitem'
  | 'varchar';

const byOid = new Map(PG_TYPES.map((type) => [type.oid, type]));
const byName = new Map(PG_TYPES.map((type) => [type.name, type]));

export function pgTypeOf(oid: number): PgType | undefined {
  return byOid.get(oid);
}

export function pgType(name: PgTypeName): PgType {
  const type = byName.get(name);
  if (type === undefined) throw new RangeError(`there is no type ${name}`);
  return type;
}

/** Other names that PostgreSQL's grammar has for them. */
const SYNONYMS: Readonly<Record<string, string>> = { int: 'int4', decimal: 'numeric', float: 'float8' };

/** A type by its name or by what SQL calls it. */
export function pgTypeNamed(name: string): PgType | undefined {
  return byName.get(SYNONYMS[name] ?? name) ?? PG_TYPES.find((type) => type.sqlName === name);
}

export function arrayOf(element: PgType): PgType {
  return byOid.get(element.arrayOid) ?? pgType('text');
}

export function sqlNameOf(type: PgType): string {
  return type.sqlName ?? type.name;
}
