import type { DuckDBType } from '@duckdb/node-api';
import { Engine } from '../../lake/engine/engine.ts';
import { QueryError } from '../../lake/engine/errors.ts';
import { namesOfSelect } from '../../lake/engine/sandbox.ts';
import { RunningStatement } from '../../lake/engine/statement.ts';
import type { ChunkStream, StreamOptions } from '../../lake/engine/types.ts';
import { messageOf } from '../../lake/errors.ts';
import type { Listed } from '../views/view.ts';
import { type Definable, defineCatalog } from './definition.ts';
import { Memo } from './memo.ts';
import { type NamedKind, Oids } from './oids.ts';
import { localName } from './relation.ts';
import { SYSTEM_RELATIONS } from './system-relations.ts';

const MEMO_CHARACTERS = 4 << 20;

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
  readonly #oids: Oids;
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

  private constructor(engine: Engine, oids: Oids, listed: readonly Listed[]) {
    this.#engine = engine;
    this.systemRelations = new Set(SYSTEM_RELATIONS.map(localName));
    this.#oids = oids;
    this.relations = new Set(listed.map(({ name }) => name));
  }

  /**
   * @param listed the tables and views of the lake, with the SELECT of those that are views
   * @param temporaryDirectory where DuckDB would spill to
   */
  static async open(listed: readonly Definable[], temporaryDirectory: string): Promise<Catalog> {
    const engine = await Engine.open({
      memory: '256MB',
      threads: 1,
      temporaryDirectory,
      readableDirectories: [],
    });
    const oids = new Oids(listed.map(({ name }) => name));
    await engine.withConnection((connection) => defineCatalog(connection, listed, oids));
    return new Catalog(engine, oids, listed);
  }

  close(): void {
    this.#engine.close();
  }

  /** Whether a relation of this name is part of the catalog, and not of the lake. */
  has(name: string): boolean {
    return this.systemRelations.has(name.toLowerCase());
  }

  /** The oid of a thing by its name; undefined when there is none. */
  lookUp(kind: NamedKind, name: string): number | undefined {
    return this.#oids.lookUp(kind, name);
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
}

/** DuckDB's driver throws for types that are not known yet. */
function known<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
