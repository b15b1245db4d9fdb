import { createHash } from 'node:crypto';
import type { DuckDBType } from '@duckdb/node-api';
import { Engine } from '../../lake/engine/engine.ts';
import { QueryError } from '../../lake/engine/errors.ts';
import { namesOfSelect } from '../../lake/engine/sandbox.ts';
import { RunningStatement } from '../../lake/engine/statement.ts';
import type { ChunkStream, StreamOptions } from '../../lake/engine/types.ts';
import { messageOf } from '../../lake/errors.ts';
import { sqlName } from '../../lake/parquet/file-name.ts';
import type { Listed } from '../views/view.ts';
import { catalogCodecOf, codecOf } from '../wire/types/codecs.ts';
import { CATALOG_FUNCTIONS, CATALOG_LOOKUPS } from './functions.ts';
import { INFORMATION_SCHEMA } from './information-schema.ts';
import { Memo } from './memo.ts';
import { PG_CATALOG, PG_CATALOG_VIEWS } from './pg-catalog.ts';
import { PG_TYPES, pgTypeNamed, sqlNameOf } from './pg-types.ts';
import { type CatalogRelation, localName } from './relation.ts';
import { DATABASE, OWNER, SETTINGS } from './settings.ts';
import {
  attributeRow,
  classRow,
  descriptionRows,
  FUNCTION_KINDS,
  functionName,
  OWNER_OID,
  typeRow,
} from './system-rows.ts';

const SCHEMAS = { pg_catalog: 11, public: 2200, information_schema: 13_000 } as const;
const MEMO_CHARACTERS = 4 << 20;
/** Fixed in PostgreSQL, and known to clients by number. */
const KNOWN_OIDS: Readonly<Record<string, number>> = {
  pg_type: 1247,
  pg_attribute: 1249,
  pg_proc: 1255,
  pg_class: 1259,
  pg_database: 1262,
  pg_namespace: 2615,
  pg_description: 2609,
  pg_constraint: 2606,
};
const FIRST_SYSTEM_OID = 14_000;
const FIRST_USER_OID = 16_384;

/** What `describe` finds out about a statement. */
export interface Description {
  /** Types of the parameters by their number, as far as they can be told. */
  readonly parameters: ReadonlyMap<number, DuckDBType>;
  /** Undefined when they depend on parameters of unknown types. */
  readonly columns: readonly { readonly name: string; readonly type: DuckDBType }[] | undefined;
}

/**
 * PostgreSQL's catalog of a lake: a small DuckDB of its own in memory, with `pg_catalog` and `information_schema` as
 * tables and their functions as macros. Empty copies of the lake's relations let it tell the types of any statement.
 */
export class Catalog {
  readonly #engine: Engine;
  readonly #oids: ReadonlyMap<string, number>;
  readonly #functions: ReadonlyMap<string, number>;
  // Clients ask the same questions again and again, and the catalog never changes.
  readonly #trees = new Memo<string>(MEMO_CHARACTERS, (tree) => tree.length);
  readonly #texts = new Memo<string>(MEMO_CHARACTERS, (text) => text.length);
  readonly #descriptions = new Memo<Description>(
    MEMO_CHARACTERS,
    ({ columns }) => 100 * (columns?.length ?? 0),
  );
  /** Names of the relations of the catalog itself. */
  readonly systemRelations: ReadonlySet<string>;
  /** Names of the lake's relations. */
  readonly relations: ReadonlySet<string>;

  private constructor(
    engine: Engine,
    oids: ReadonlyMap<string, number>,
    functions: ReadonlyMap<string, number>,
    listed: readonly Listed[],
  ) {
    this.#engine = engine;
    this.systemRelations = new Set(systemRelations().map(localName));
    this.#oids = oids;
    this.#functions = functions;
    this.relations = new Set(listed.map(({ name }) => name));
  }

  /**
   * @param listed the tables and views of the lake, with the SELECT of those that are views
   * @param temporaryDirectory where DuckDB would spill to
   */
  static async open(
    listed: readonly (Listed & { readonly sql?: string })[],
    temporaryDirectory: string,
  ): Promise<Catalog> {
    const engine = await Engine.open({
      memory: '256MB',
      threads: 1,
      temporaryDirectory,
      readableDirectories: [],
    });
    const system = systemRelations();
    const oids = new Map<string, number>();
    for (const [i, relation] of system.entries()) {
      oids.set(localName(relation), KNOWN_OIDS[localName(relation)] ?? FIRST_SYSTEM_OID + i);
    }
    for (const { name } of listed) oids.set(name, freeOid(name, new Set(oids.values())));
    const functions = new Map(
      PG_TYPES.flatMap((type, i) =>
        FUNCTION_KINDS.map((kind, k) => [functionName(type, kind), 5000 + i * 4 + k] as const),
      ),
    );
    const catalog = new Catalog(engine, oids, functions, listed);
    await catalog.#define(system, listed);
    return catalog;
  }

  close(): void {
    this.#engine.close();
  }

  /** Whether a relation of this name is part of the catalog, and not of the lake. */
  has(name: string): boolean {
    return this.systemRelations.has(name.toLowerCase());
  }

  lookUp(kind: 'regclass' | 'regtype' | 'regproc' | 'regnamespace', name: string): number | undefined {
    const parts = (name.match(/"(?:[^"]|"")*"|[^."]+/g) ?? []).map((part) =>
      part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase(),
    );
    const last = parts.at(-1) ?? '';
    if (kind === 'regclass') {
      return this.#oids.get(parts.at(-2) === 'information_schema' ? `information_schema_${last}` : last);
    }
    if (kind === 'regproc') return this.#functions.get(last);
    if (kind === 'regnamespace') return Object.entries(SCHEMAS).find(([schema]) => schema === last)?.[1];
    return pgTypeNamed(last)?.oid;
  }

  /** The syntax tree that DuckDB sees in a text, as the JSON of `json_serialize_sql`. */
  async parse(sql: string): Promise<string> {
    return this.#trees.get(sql, () => this.#scalar('SELECT json_serialize_sql($1::VARCHAR)', sql));
  }

  /** The text of a syntax tree. */
  async print(tree: string): Promise<string> {
    return this.#texts.get(tree, () => this.#scalar('SELECT json_deserialize_sql($1::JSON)', tree));
  }

  /** @throws QueryError when the statement cannot be */
  async describe(sql: string): Promise<Description> {
    return this.#descriptions.get(sql, () => this.#describe(sql));
  }

  #describe(sql: string): Promise<Description> {
    return this.#engine.withConnection(async (connection) => {
      const prepared = await connection.prepare(sql).catch((error: unknown) => {
        throw new QueryError(messageOf(error).split('\n\n')[0] ?? '', { cause: error });
      });
      try {
        const parameters = new Map<number, DuckDBType>();
        for (let i = 1; i <= prepared.parameterCount; i++) {
          const type = known(() => prepared.parameterType(i));
          if (type !== undefined) parameters.set(Number(prepared.parameterName(i)), type);
        }
        const columns = Array.from({ length: prepared.columnCount }, (_, i) => {
          const type = known(() => prepared.columnType(i));
          return type === undefined ? undefined : { name: prepared.columnName(i), type };
        });
        return { parameters, columns: columns.every((column) => column !== undefined) ? columns : undefined };
      } finally {
        prepared.destroySync();
      }
    });
  }

  /**
   * Runs a statement over the catalog.
   * @throws SandboxError when it reads anything else
   */
  async stream(sql: string, options: StreamOptions = {}): Promise<ChunkStream> {
    namesOfSelect(await this.parse(sql), this.systemRelations);
    const lent = await this.#engine.lend();
    try {
      return await RunningStatement.start(lent.connection, sql, options, async () => lent.giveBack());
    } catch (error) {
      lent.giveBack();
      throw error;
    }
  }

  async #scalar(sql: string, text: string): Promise<string> {
    const { rows } = await this.#engine.query(sql, { params: [text] });
    return String(rows[0]?.[0]);
  }

  async #define(
    system: readonly CatalogRelation[],
    listed: readonly (Listed & { readonly sql?: string })[],
  ): Promise<void> {
    await this.#engine.withConnection(async (connection) => {
      const tables = system.filter(({ select }) => select === undefined);
      const views = system.filter(({ select }) => select !== undefined);
      const statements = [
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
      await connection.run(statements.join(';\n'));
      const typesOf = async (table: string) => {
        const prepared = await connection.prepare(`SELECT * FROM ${sqlName(table)}`);
        const types = Array.from({ length: prepared.columnCount }, (_, i) => prepared.columnType(i));
        prepared.destroySync();
        return types;
      };
      const described = [
        ...(await Promise.all(
          system.map(async (relation) => ({
            oid: this.#oidOf(localName(relation)),
            name: relation.name,
            schema: SCHEMAS[relation.schema],
            kind: relation.select === undefined ? 'r' : 'v',
            description: undefined,
            columns: (
              await typesOf(localName(relation))
            ).map((type, i) => ({
              name: [...relation.columns.keys()][i] ?? '',
              codec: catalogCodecOf(type),
              nullable: true,
              description: undefined,
            })),
          })),
        )),
        ...(await Promise.all(
          listed.map(async ({ name, kind, description, columns }) => ({
            oid: this.#oidOf(name),
            name,
            schema: SCHEMAS.public,
            kind: kind === 'view' ? 'v' : 'r',
            description,
            columns: (
              await typesOf(name)
            ).map((type, i) => ({
              name: columns[i]?.name ?? '',
              codec: codecOf(type),
              nullable: columns[i]?.nullable ?? true,
              description: columns[i]?.description,
            })),
          })),
        )),
      ];
      const fill = (table: string, rows: readonly Record<string, unknown>[]) => this.#fill(table, rows);
      await fill(
        'pg_namespace',
        Object.entries(SCHEMAS).map(([nspname, oid]) => ({ oid, nspname, nspowner: OWNER_OID })),
      );
      await fill('pg_class', described.map(classRow));
      await fill(
        'pg_attribute',
        described.flatMap(({ oid, columns }) => columns.map((column, i) => attributeRow(oid, column, i + 1))),
      );
      await fill('pg_description', described.flatMap(descriptionRows));
      await fill(
        'rl_definitions',
        listed.flatMap(({ name, sql }) =>
          sql === undefined ? [] : [{ oid: this.#oidOf(name), definition: sql }],
        ),
      );
      await fill(
        'pg_type',
        PG_TYPES.map((type) => typeRow(type, this.#functions)),
      );
      await fill(
        'rl_type_names',
        PG_TYPES.map((type) => ({ oid: type.oid, sql_name: sqlNameOf(type) })),
      );
      await fill(
        'pg_proc',
        [...this.#functions].map(([proname, oid]) => ({
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
        })),
      );
      await fill('pg_database', [
        {
          oid: 16_383,
          datname: DATABASE,
          datdba: OWNER_OID,
          encoding: 6,
          datlocprovider: 'c',
          datistemplate: false,
          datallowconn: true,
          datconnlimit: -1,
          dattablespace: 1663,
          datcollate: 'C',
          datctype: 'C.UTF-8',
          datlastsysoid: 13_999,
        },
      ]);
      await fill('pg_roles', [
        {
          oid: OWNER_OID,
          rolname: OWNER,
          rolsuper: false,
          rolinherit: true,
          rolcreaterole: false,
          rolcreatedb: false,
          rolcanlogin: true,
          rolreplication: false,
          rolconnlimit: -1,
          rolpassword: '********',
          rolbypassrls: false,
        },
      ]);
      await fill('pg_tablespace', [{ oid: 1663, spcname: 'pg_default', spcowner: OWNER_OID }]);
      await fill('pg_am', [{ oid: 2, amname: 'heap', amhandler: 3, amtype: 't' }]);
      await fill('pg_language', [
        { oid: 12, lanname: 'internal', lanowner: OWNER_OID, lanispl: false, lanpltrusted: false },
      ]);
      await fill(
        'pg_collation',
        [100, 950].map((oid) => ({
          oid,
          collname: oid === 100 ? 'default' : 'C',
          collnamespace: 11,
          collowner: OWNER_OID,
          collprovider: 'c',
          collisdeterministic: true,
          collencoding: -1,
          collcollate: 'C',
          collctype: 'C',
        })),
      );
      await fill(
        'pg_settings',
        SETTINGS.map(([name, setting, short_desc]) => ({
          name,
          setting,
          short_desc,
          category: 'Runlake',
          context: 'user',
          vartype: 'string',
          source: 'default',
          boot_val: setting,
          reset_val: setting,
          pending_restart: false,
        })),
      );
      await fill('pg_timezone_names', [
        { name: 'UTC', abbrev: 'UTC', utc_offset: '00:00:00', is_dst: false },
      ]);
      await connection.run(
        `INSERT INTO pg_get_keywords (word, catcode, barelabel, catdesc, baredesc)
         SELECT keyword_name, upper(keyword_category[1]), true, keyword_category, 'can be bare label' FROM duckdb_keywords()`,
      );
    });
  }

  #oidOf(name: string): number {
    return this.#oids.get(name) ?? 0;
  }

  /** Inserts rows; columns that they do not name are null. */
  async #fill(table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
    const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    if (names.length === 0) return;
    const relation = systemRelations().find((candidate) => localName(candidate) === table);
    const type = (name: string) => relation?.columns.get(name) ?? (name === 'oid' ? 'UINTEGER' : 'VARCHAR');
    const shape = JSON.stringify([Object.fromEntries(names.map((name) => [name, type(name)]))]);
    await this.#engine.query(
      `INSERT INTO ${sqlName(table)} (${names.map(sqlName).join(', ')})
       SELECT ${names.map((name) => `r.${sqlName(name)}`).join(', ')} FROM (SELECT unnest(from_json($1::JSON, '${shape}')) AS r)`,
      { params: [JSON.stringify(rows)] },
    );
  }
}

function systemRelations(): readonly CatalogRelation[] {
  return [...PG_CATALOG, ...PG_CATALOG_VIEWS, ...INFORMATION_SCHEMA];
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

/** The same number for a name on every server: clients may keep it. */
function freeOid(name: string, taken: ReadonlySet<number>): number {
  const space = 0x7fff_ffff - FIRST_USER_OID;
  let oid = FIRST_USER_OID + (createHash('sha256').update(name).digest().readUInt32BE() % space);
  while (taken.has(oid)) oid++;
  return oid;
}

/** DuckDB's driver throws for types that are not known yet. */
function known<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
