import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { runQuery } from '../../lake/engine/engine.ts';
import { namesOfSelect } from '../../lake/engine/sandbox.ts';
import type {
  AsOf,
  LakeReader,
  LakeSnapshot,
  PruneCondition,
  QueryOptions,
  QueryResult,
  Relation,
  RelationSize,
  StatementSource,
} from '../../lake/engine/types.ts';
import { InvalidArgumentError } from '../../lake/errors.ts';
import { duckdbType } from '../../lake/parquet/duckdb-types.ts';
import type { Row, TableSpec } from '../../lake/tables/schema.ts';
import { TABLES } from '../../lake/tables/tables.ts';
import { duckdbValue } from './duckdb-value.ts';

type Rows = Readonly<Record<string, readonly Row[]>>;

interface State {
  readonly version: number;
  readonly timestamp: Date;
}

/**
 * A lake in memory for unit tests: every version is a set of DuckDB tables, and a relation is a table's name.
 * It records what it was asked, and it ignores pruning, so a test that must not depend on it cannot.
 */
export class FakeLake implements LakeReader {
  readonly statements: { readonly sql: string; readonly options: QueryOptions }[] = [];
  readonly relations: { readonly table: string; readonly prune: readonly PruneCondition[] }[] = [];
  /** Relations that were handed out and not released. */
  held = 0;
  /** What `relation` claims about each table. */
  claimed = { files: 1, bytes: 1000 };
  readonly #instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  readonly #states: State[] = [];
  readonly #rows = new Map<string, Row[]>();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.connection = connection;
  }

  static async create(rows: Rows = {}): Promise<FakeLake> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    const connection = await instance.connect();
    await connection.run(`SET TimeZone = 'UTC'`);
    const lake = new FakeLake(instance, connection);
    await lake.commit(rows);
    return lake;
  }

  /** Makes a new version that also has these rows. */
  async commit(rows: Rows): Promise<void> {
    const version = this.#states.length;
    for (const table of TABLES) {
      const all = [...(this.#rows.get(table.name) ?? []), ...(rows[table.name] ?? [])];
      this.#rows.set(table.name, all);
      await this.#fill(`${table.name}_v${version}`, table, all);
    }
    this.#states.push({ version, timestamp: new Date(Date.UTC(2026, 0, 1) + version * 86_400_000) });
  }

  async #fill(name: string, table: TableSpec, rows: readonly Row[]): Promise<void> {
    const columns = table.columns.map((column) => `"${column.name}" ${duckdbType(column.type)}`);
    await this.connection.run(`CREATE TABLE ${name} (${columns.join(', ')})`);
    const appender = await this.connection.createAppender(name);
    for (const row of rows) {
      for (const column of table.columns) {
        const value = duckdbValue(column, row[column.name]);
        if (value === null) appender.appendNull();
        else appender.appendValue(value, duckdbType(column.type));
      }
      appender.endRow();
    }
    appender.closeSync();
  }

  async snapshot(asOf: AsOf = {}): Promise<LakeSnapshot> {
    const newest = this.#states.length - 1;
    let version = asOf.version ?? newest;
    if (asOf.snapshot !== undefined) version = Number(/^s(\d+)$/.exec(asOf.snapshot)?.[1] ?? Number.NaN);
    const { timestamp } = asOf;
    if (timestamp) version = this.#states.filter((state) => state.timestamp <= timestamp).length - 1;
    const state = this.#states[version];
    if (!state) throw new InvalidArgumentError('no such state of the lake');
    const versions = Object.fromEntries(TABLES.map(({ name }) => [name, version]));
    return { versions, token: `s${version}`, timestamp: state.timestamp, runs: new Map() };
  }

  async relation(
    snapshot: LakeSnapshot,
    table: string,
    prune: readonly PruneCondition[] = [],
  ): Promise<Relation> {
    const size = await this.size(snapshot, table);
    this.relations.push({ table, prune });
    this.held += 1;
    const release = () => {
      this.held -= 1;
    };
    return { sql: `${table}_v${snapshot.versions[table]}`, ...size, release };
  }

  async size(_snapshot: LakeSnapshot, table: string): Promise<RelationSize> {
    if (!TABLES.some(({ name }) => name === table)) throw new InvalidArgumentError(`no table ${table}`);
    return { rows: this.#rows.get(table)?.length ?? 0, ...this.claimed };
  }

  async query(sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    this.statements.push({ sql, options });
    return this.#run(sql, options);
  }

  async sandboxedQuery(
    snapshot: LakeSnapshot,
    sql: string,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    const views = TABLES.map(
      ({ name }) => `CREATE TEMP VIEW ${name} AS FROM ${name}_v${snapshot.versions[name]}`,
    );
    return this.#run(sql, options, views);
  }

  async statementSources(sql: string): Promise<readonly StatementSource[]> {
    const { rows } = await this.#run('SELECT json_serialize_sql($1::VARCHAR)', { params: [sql] });
    const names = namesOfSelect(String(rows[0]?.[0]), new Set(TABLES.map(({ name }) => name)));
    return [...names].map((table) => ({ table, prune: [] }));
  }

  /** On a connection of its own: two streams on one connection disturb each other. */
  async #run(sql: string, options: QueryOptions, before: readonly string[] = []): Promise<QueryResult> {
    const connection = await this.#instance.connect();
    try {
      await connection.run(`SET TimeZone = 'UTC'`);
      for (const statement of before) await connection.run(statement);
      return await runQuery(connection, sql, options);
    } finally {
      connection.closeSync();
    }
  }
}
