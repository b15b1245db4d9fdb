/** A relation of `pg_catalog` or `information_schema` as it is defined in this folder. */
export interface CatalogRelation {
  readonly schema: 'pg_catalog' | 'information_schema';
  readonly name: string;
  /** Column name to DuckDB type. */
  readonly columns: ReadonlyMap<string, string>;
  /** A SELECT over other relations of the catalog, for those that only show them differently. */
  readonly select?: string;
}

/** Short names of the types that catalogs are made of. */
const TYPES: Readonly<Record<string, string>> = {
  oid: 'UINTEGER',
  text: 'VARCHAR',
  bool: 'BOOLEAN',
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  float4: 'FLOAT',
  float8: 'DOUBLE',
  time: 'TIMESTAMP WITH TIME ZONE',
  'int2[]': 'SMALLINT[]',
  'oid[]': 'UINTEGER[]',
  'text[]': 'VARCHAR[]',
};

/**
 * Relations from lines such as `pg_am: oid amname:text`; a column without a type is an oid when its name ends in `oid`,
 * and a text otherwise.
 */
export function relations(schema: CatalogRelation['schema'], lines: string): CatalogRelation[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', list = ''] = line.split(': ');
      const columns = list
        .trim()
        .split(/\s+/)
        .map((column) => {
          const [columnName = '', type] = column.split(':');
          const known = TYPES[type ?? (columnName.endsWith('oid') ? 'oid' : 'text')];
          if (known === undefined) throw new TypeError(`${name}.${columnName} has the unknown type ${type}`);
          return [columnName, known] as const;
        });
      return { schema, name: name.trim(), columns: new Map(columns) };
    });
}

/** The name of a relation within the catalog's engine, where there are no schemas. */
export function localName({ schema, name }: Pick<CatalogRelation, 'schema' | 'name'>): string {
  return schema === 'pg_catalog' ? name : `${schema}_${name}`;
}
