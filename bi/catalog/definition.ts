import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import { sqlName } from '../../lake/engine/sql-text.ts';
import type { Listed } from '../views/view.ts';
import { catalogCodecOf, codecOf } from '../wire/types/codecs.ts';
import { FIXED_ROWS } from './fixed-rows.ts';
import { CATALOG_FUNCTIONS, CATALOG_LOOKUPS } from './functions.ts';
import { type Oids, SCHEMAS } from './oids.ts';
import { PG_TYPES, sqlNameOf } from './pg-types.ts';
import { type CatalogRelation, localName } from './relation.ts';
import { SYSTEM_RELATIONS } from './system-relations.ts';
import {
  attributeRow,
  classRow,
  type DescribedRelation,
  descriptionRows,
  functionRow,
  OWNER_OID,
  typeRow,
} from './system-rows.ts';

/** A table or view of the lake, with its SELECT when it is a view. */
export type Definable = Listed & { readonly sql?: string };

/** Makes the relations of the catalog, and empty ones like those of the lake, and fills the former with what they say of both. */
export async function defineCatalog(
  connection: DuckDBConnection,
  listed: readonly Definable[],
  oids: Oids,
): Promise<void> {
  await connection.run(definitions(listed).join(';\n'));
  const described = [
    ...(await describeSystem(connection, oids)),
    ...(await describeListed(connection, listed, oids)),
  ];
  const rows: Readonly<Record<string, readonly Row[]>> = {
    ...FIXED_ROWS,
    pg_namespace: Object.entries(SCHEMAS).map(([nspname, oid]) => ({ oid, nspname, nspowner: OWNER_OID })),
    pg_class: described.map(classRow),
    pg_attribute: described.flatMap(({ oid, columns }) =>
      columns.map((column, i) => attributeRow(oid, column, i + 1)),
    ),
    pg_description: described.flatMap(descriptionRows),
    rl_definitions: listed.flatMap(({ name, sql }) =>
      sql === undefined ? [] : [{ oid: oids.ofRelation(name), definition: sql }],
    ),
    pg_type: PG_TYPES.map((type) => typeRow(type, oids.functions)),
    rl_type_names: PG_TYPES.map((type) => ({ oid: type.oid, sql_name: sqlNameOf(type) })),
    pg_proc: [...oids.functions].map(functionRow),
  };
  for (const [table, its] of Object.entries(rows)) await fill(connection, table, its);
  await connection.run(
    `INSERT INTO pg_get_keywords (word, catcode, barelabel, catdesc, baredesc)
     SELECT keyword_name, upper(keyword_category[1]), true, keyword_category, 'can be bare label' FROM duckdb_keywords()`,
  );
}

/** Statements that make everything, in the order in which they refer to each other. */
function definitions(listed: readonly Definable[]): string[] {
  const tables = SYSTEM_RELATIONS.filter(({ select }) => select === undefined);
  const views = SYSTEM_RELATIONS.filter(({ select }) => select !== undefined);
  return [
    'CREATE TABLE rl_definitions (oid UINTEGER, definition VARCHAR)',
    'CREATE TABLE rl_type_names (oid UINTEGER, sql_name VARCHAR)',
    ...tables.map(
      (relation) => `CREATE TABLE ${sqlName(localName(relation))} (${columnList(relation.columns)})`,
    ),
    ...CATALOG_LOOKUPS.map((lookup) => `CREATE VIEW ${lookup}`),
    ...CATALOG_FUNCTIONS.map((macro) => `CREATE MACRO ${macro}`),
    ...views.map(viewStatement),
    ...listed.map(
      ({ name, columns }) =>
        `CREATE TABLE ${sqlName(name)} (${columnList(new Map(columns.map((column) => [column.name, column.type])))})`,
    ),
  ];
}

function columnList(columns: ReadonlyMap<string, string>): string {
  return [...columns].map(([name, type]) => `${sqlName(name)} ${type}`).join(', ');
}

function viewStatement(relation: CatalogRelation): string {
  const name = sqlName(localName(relation));
  const columns = [...relation.columns];
  const names = columns.map(([column]) => sqlName(column)).join(', ');
  const casts = columns
    .map(([column, type]) => `CAST(${sqlName(column)} AS ${type}) AS ${sqlName(column)}`)
    .join(', ');
  return `CREATE VIEW ${name} AS SELECT ${casts} FROM (${relation.select}) AS inner_view(${names})`;
}

async function typesOf(connection: DuckDBConnection, table: string): Promise<DuckDBType[]> {
  const prepared = await connection.prepare(`SELECT * FROM ${sqlName(table)}`);
  const types = Array.from({ length: prepared.columnCount }, (_, i) => prepared.columnType(i));
  prepared.destroySync();
  return types;
}

function describeSystem(connection: DuckDBConnection, oids: Oids): Promise<DescribedRelation[]> {
  return Promise.all(
    SYSTEM_RELATIONS.map(async (relation) => {
      const types = await typesOf(connection, localName(relation));
      const names = [...relation.columns.keys()];
      return {
        oid: oids.ofRelation(localName(relation)),
        name: relation.name,
        schema: SCHEMAS[relation.schema],
        kind: relation.select === undefined ? 'r' : 'v',
        description: undefined,
        columns: types.map((type, i) => ({
          name: names[i] ?? '',
          codec: catalogCodecOf(type),
          nullable: true,
          description: undefined,
        })),
      };
    }),
  );
}

function describeListed(
  connection: DuckDBConnection,
  listed: readonly Definable[],
  oids: Oids,
): Promise<DescribedRelation[]> {
  return Promise.all(
    listed.map(async ({ name, kind, description, columns }) => ({
      oid: oids.ofRelation(name),
      name,
      schema: SCHEMAS.public,
      kind: kind === 'view' ? 'v' : 'r',
      description,
      columns: (await typesOf(connection, name)).map((type, i) => ({
        name: columns[i]?.name ?? '',
        codec: codecOf(type),
        nullable: columns[i]?.nullable ?? true,
        description: columns[i]?.description,
      })),
    })),
  );
}

type Row = Readonly<Record<string, unknown>>;

/** Inserts rows; columns that they do not name are null. */
async function fill(connection: DuckDBConnection, table: string, rows: readonly Row[]): Promise<void> {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (names.length === 0) return;
  const relation = SYSTEM_RELATIONS.find((candidate) => localName(candidate) === table);
  const type = (name: string) => relation?.columns.get(name) ?? (name === 'oid' ? 'UINTEGER' : 'VARCHAR');
  const shape = JSON.stringify([Object.fromEntries(names.map((name) => [name, type(name)]))]);
  await connection.run(
    `INSERT INTO ${sqlName(table)} (${names.map(sqlName).join(', ')})
     SELECT ${names.map((name) => `r.${sqlName(name)}`).join(', ')} FROM (SELECT unnest(from_json($1::JSON, '${shape}')) AS r)`,
    [JSON.stringify(rows)],
  );
}
