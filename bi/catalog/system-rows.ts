import type { PgType } from './pg-types.ts';

/** Owner of everything in the catalog. */
export const OWNER_OID = 10;

export const FUNCTION_KINDS = ['in', 'out', 'recv', 'send'] as const;

/** The function of a type that reads or writes its values, by its name in `pg_proc`. */
export function functionName(type: PgType, kind: (typeof FUNCTION_KINDS)[number]): string {
  return `${type.functions ?? type.name}${kind}`;
}

/** A column as the catalog tells of it. */
export interface DescribedColumn {
  readonly name: string;
  readonly codec: { readonly type: PgType; readonly modifier: number };
  readonly nullable: boolean;
  readonly description: string | undefined;
}

/** A table or view as the catalog tells of it. `kind` is `r` or `v`. */
export interface DescribedRelation {
  readonly oid: number;
  readonly name: string;
  readonly schema: number;
  readonly kind: string;
  readonly description: string | undefined;
  readonly columns: readonly DescribedColumn[];
}

/** A row of `pg_class`. */
export function classRow({ oid, name, schema, kind, columns }: DescribedRelation): Record<string, unknown> {
  return {
    oid,
    relname: name,
    relnamespace: schema,
    reltype: 0,
    reloftype: 0,
    relowner: OWNER_OID,
    relam: kind === 'r' ? 2 : 0,
    relfilenode: 0,
    reltablespace: 0,
    relpages: 0,
    // PostgreSQL's "never analysed".
    reltuples: -1,
    relallvisible: 0,
    reltoastrelid: 0,
    relhasindex: false,
    relisshared: false,
    relpersistence: 'p',
    relkind: kind,
    relnatts: columns.length,
    relchecks: 0,
    relhasrules: false,
    relhastriggers: false,
    relhassubclass: false,
    relrowsecurity: false,
    relforcerowsecurity: false,
    relispopulated: true,
    relreplident: 'n',
    relispartition: false,
    relrewrite: 0,
    relhasoids: false,
  };
}

/** A row of `pg_attribute`; columns are counted from 1. */
export function attributeRow(
  attrelid: number,
  { name, codec, nullable }: DescribedColumn,
  attnum: number,
): Record<string, unknown> {
  const { type, modifier } = codec;
  return {
    attrelid,
    attname: name,
    atttypid: type.oid,
    attstattarget: -1,
    attlen: type.length,
    attnum,
    attndims: type.category === 'A' ? 1 : 0,
    attcacheoff: -1,
    atttypmod: modifier,
    attbyval: type.length > 0 && type.length <= 8,
    attalign: 'i',
    attstorage: type.length < 0 ? 'x' : 'p',
    attcompression: '',
    attnotnull: !nullable,
    atthasdef: false,
    atthasmissing: false,
    attidentity: '',
    attgenerated: '',
    attisdropped: false,
    attislocal: true,
    attinhcount: 0,
    attcollation: type.category === 'S' ? 100 : 0,
  };
}

/** Rows of `pg_description`: of the relation and of its columns. */
export function descriptionRows({ oid, description, columns }: DescribedRelation): Record<string, unknown>[] {
  const rows = [
    { objsubid: 0, description },
    ...columns.map((column, i) => ({ objsubid: i + 1, description: column.description })),
  ];
  return rows
    .filter((row) => row.description !== undefined)
    .map((row) => ({ objoid: oid, classoid: 1259, ...row }));
}

/** A row of `pg_type`. @param functions oids by name */
export function typeRow(type: PgType, functions: ReadonlyMap<string, number>): Record<string, unknown> {
  const [typinput, typoutput, typreceive, typsend] = FUNCTION_KINDS.map((kind) =>
    functions.get(functionName(type, kind)),
  );
  return {
    oid: type.oid,
    typname: type.name,
    typnamespace: 11,
    typowner: OWNER_OID,
    typlen: type.length,
    typbyval: type.length > 0 && type.length <= 8,
    typtype: type.kind ?? 'b',
    typcategory: type.category,
    typispreferred: ['bool', 'text', 'float8', 'timestamptz', 'interval'].includes(type.name),
    typisdefined: true,
    typdelim: ',',
    typrelid: 0,
    typsubscript: 0,
    typelem: type.elementOid ?? 0,
    typarray: type.arrayOid,
    typinput,
    typoutput,
    typreceive,
    typsend,
    typmodin: 0,
    typmodout: 0,
    typanalyze: 0,
    typalign: 'i',
    typstorage: type.length < 0 ? 'x' : 'p',
    typnotnull: false,
    typbasetype: 0,
    typtypmod: -1,
    typndims: 0,
    typcollation: type.category === 'S' ? 100 : 0,
  };
}

/** A row of `pg_proc` for a function that reads or writes values of a type. */
export function functionRow([proname, oid]: readonly [name: string, oid: number]): Record<string, unknown> {
  return {
    oid,
    proname,
    pronamespace: 11,
    proowner: OWNER_OID,
    prolang: 12,
    prokind: 'f',
    proisstrict: true,
    proretset: false,
    provolatile: 'i',
    pronargs: 1,
    prorettype: 2276,
    proargtypes: '2275',
    proisagg: false,
    proiswindow: false,
    prosecdef: false,
  };
}
