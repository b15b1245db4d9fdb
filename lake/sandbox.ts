import type { DuckDBConnection } from '@duckdb/node-api';
import { type Engine, runQuery } from './engine/engine.ts';
import { withPlace } from './engine/error-place.ts';
import { isDescription, isListing, namesOfSelect } from './engine/sandbox.ts';
import { conditionsOfSelect } from './engine/select-conditions.ts';
import { sqlName, sqlString } from './engine/sql-text.ts';
import { statementText } from './engine/statement-text.ts';
import type { PruneCondition, Relation, StatementSource, StreamOptions } from './engine/types.ts';
import type { TableSpec } from './tables/schema.ts';
import type { LakeView } from './tables/view.ts';

export interface SandboxSettings {
  readonly engine: Engine;
  /** The tables that SQL from users may read. */
  readonly tables: ReadonlyMap<string, TableSpec>;
  /** What it may read beside them. */
  readonly views: readonly LakeView[];
}

/** What a text means. */
type Parsed =
  | { readonly kind: 'listing' }
  | {
      readonly kind: 'select';
      /** What to run. */
      readonly sql: string;
      readonly sources: readonly StatementSource[];
      readonly views: readonly LakeView[];
    };

/** A connection on which the names that a statement uses are defined, and nothing else. */
export interface SandboxedStatement {
  readonly connection: DuckDBConnection;
  /** What to run: the statement that was given, or what it stands for. It can stand in parentheses, and in a COPY. */
  readonly sql: string;
  /** Forgets the names and gives the connection back. Nothing may run on it any more. */
  leave(): Promise<void>;
}

export interface SandboxOptions extends StreamOptions {
  /** Conditions by table that the caller knows to hold for every wanted row, beside those that the statement shows. */
  readonly prune?: ReadonlyMap<string, readonly PruneCondition[]>;
  /** Whether vectors are ARRAYs where all that can be read of a table have one dimension. Default false: lists. */
  readonly fixedVectors?: boolean;
  /** What to run instead, over the same names. */
  readonly rewrite?: (statement: SandboxedStatement) => Promise<string>;
}

/** Where SQL from users runs: one SELECT over the tables and views of a snapshot. */
export class Sandbox {
  readonly #engine: Engine;
  readonly #tables: ReadonlyMap<string, TableSpec>;
  readonly #views: ReadonlyMap<string, LakeView>;

  constructor({ engine, tables, views }: SandboxSettings) {
    this.#engine = engine;
    this.#tables = tables;
    this.#views = new Map(views.map((view) => [view.name, view]));
  }

  /**
   * Checks a statement and makes what it reads.
   * @param relationsOf the visible rows of what it reads, in the order of the sources
   * @throws SandboxError
   */
  async enter(
    sql: string,
    relationsOf: (sources: readonly StatementSource[]) => Promise<readonly Relation[]>,
  ): Promise<SandboxedStatement> {
    const { connection, giveBack } = await this.#engine.lend();
    const created: string[] = [];
    const relations: Relation[] = [];
    const define = async (name: string, select: string) => {
      await runQuery(connection, `CREATE TEMP VIEW ${sqlName(name)} AS ${select}`);
      created.push(name);
    };
    const leave = async () => {
      for (const relation of relations) relation.release?.();
      try {
        for (const name of created) await connection.run(`DROP VIEW IF EXISTS temp.${sqlName(name)}`);
      } finally {
        giveBack();
      }
    };
    try {
      const parsed = await this.#parse(connection, sql);
      if (parsed.kind === 'listing') return { connection, sql: this.#listing(), leave };
      const { sources, views } = parsed;
      relations.push(...(await relationsOf(sources)));
      for (const [i, { table }] of sources.entries())
        await define(table, `SELECT * FROM ${relations[i]!.sql}`);
      for (const view of views) await define(view.name, view.sql);
      return { connection, sql: parsed.sql, leave };
    } catch (error) {
      await leave();
      throw error;
    }
  }

  /** What a statement would read. @throws SandboxError */
  async sources(sql: string): Promise<readonly StatementSource[]> {
    const { connection, giveBack } = await this.#engine.lend();
    try {
      const parsed = await this.#parse(connection, sql);
      return parsed.kind === 'listing' ? [] : parsed.sources;
    } finally {
      giveBack();
    }
  }

  async #parse(connection: DuckDBConnection, written: string): Promise<Parsed> {
    const text = statementText(written);
    const { rows } = await runQuery(connection, 'SELECT json_serialize_sql($1::VARCHAR)', { params: [text] });
    const tree = String(rows[0]?.[0]);
    if (isListing(tree)) return { kind: 'listing' };
    const { tables, views } = this.#expanded(this.#namesIn(tree, text, written));
    const conditions = conditionsOfSelect(tree, this.#tables);
    const behindViews = new Set(views.flatMap((view) => view.tables));
    const sources = [...tables].map((table) => ({
      table,
      // A view reads its tables whole.
      prune: behindViews.has(table) ? [] : (conditions.get(table) ?? []),
    }));
    // DuckDB copies no DESCRIBE or SUMMARIZE, but what is selected from one.
    const sql = isDescription(tree) ? `SELECT * FROM (${text})` : text;
    return { kind: 'select', sql, sources, views };
  }

  #namesIn(tree: string, text: string, written: string): ReadonlySet<string> {
    try {
      return namesOfSelect(tree, new Set(this.#names()), text);
    } catch (error) {
      throw withPlace(error, text, written);
    }
  }

  #names(): string[] {
    return [...this.#tables.keys(), ...this.#views.keys()];
  }

  /** The statement that `SHOW TABLES` stands for: a listing of what may be read, not of what happens to be defined. */
  #listing(): string {
    return `SELECT unnest([${this.#names().sort().map(sqlString).join(', ')}]) AS name`;
  }

  /** The tables behind some names, and the views among them. */
  #expanded(names: Iterable<string>): { tables: ReadonlySet<string>; views: readonly LakeView[] } {
    const tables = new Set<string>();
    const views: LakeView[] = [];
    for (const name of names) {
      const view = this.#views.get(name);
      if (view === undefined) tables.add(name);
      else {
        views.push(view);
        for (const table of view.tables) tables.add(table);
      }
    }
    return { tables, views };
  }
}
