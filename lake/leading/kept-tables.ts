import type { Engine } from '../engine/engine.ts';
import { sqlName } from '../engine/sql-text.ts';
import type { QueryOptions } from '../engine/types.ts';
import type { Column } from '../tables/schema.ts';

/** A schema of its own: SQL from users can name no schema (`engine/sandbox.ts`). */
const SCHEMA = 'kept';

/** What DuckDB takes for a table in memory, in bytes of its values: blocks are not full. */
const OVERHEAD = 2;
/** Of a value of fixed size or of a text, beside its characters. */
const CELL_BYTES = 16;

export interface KeptTablesOptions {
  readonly engine: Engine;
  /** Estimated bytes of all tables; the least recently used go first. */
  readonly maxBytes: number;
  readonly maxTables: number;
}

/** A table that stays until it is released, whatever is dropped meanwhile. */
export interface HeldTable {
  /** SQL after FROM. */
  readonly sql: string;
  release(): void;
}

interface Kept {
  readonly sql: string;
  readonly bytes: number;
  users: number;
  /** Nobody finds it any more: it goes with its last user. */
  forgotten: boolean;
}

/** Tables in the memory of the engine that hold what took long to find; bounded, by key. */
export class KeptTables {
  readonly #engine: Engine;
  readonly #maxBytes: number;
  readonly #maxTables: number;
  /** From the least recently used on. */
  readonly #tables = new Map<string, Kept>();
  #schema: Promise<unknown> | undefined;
  #made = 0;
  #bytes = 0;

  constructor({ engine, maxBytes, maxTables }: KeptTablesOptions) {
    this.#engine = engine;
    this.#maxBytes = maxBytes;
    this.#maxTables = maxTables;
  }

  /** How many tables are kept, and about how many bytes they take. */
  get size(): { readonly tables: number; readonly bytes: number } {
    return { tables: this.#tables.size, bytes: this.#bytes };
  }

  has(key: string): boolean {
    return this.#tables.has(key);
  }

  hold(key: string): HeldTable | undefined {
    const table = this.#tables.get(key);
    if (table === undefined) return undefined;
    this.#tables.delete(key);
    this.#tables.set(key, table);
    return this.#held(table);
  }

  /**
   * Keeps the result of a SELECT.
   * @param columns its columns, for an estimate of its size
   * @throws QueryTimeoutError, CancelledError, QueryMemoryError, QueryError
   */
  async make(
    key: string,
    select: string,
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<HeldTable> {
    await this.#ensureSchema();
    this.#made += 1;
    const sql = `${SCHEMA}.t${this.#made}`;
    try {
      // Their texts come once.
      const { params: _, ...limits } = { ...options, again: false };
      await this.#engine.query(`CREATE TABLE ${sql} AS ${select}`, { ...options, again: false });
      const widths = ['0', ...columns.map(width)].join(' + ');
      const { rows } = await this.#engine.query(
        `SELECT coalesce(sum(${widths}), 0)::DOUBLE FROM ${sql}`,
        limits,
      );
      const table: Kept = { sql, bytes: OVERHEAD * Number(rows[0]?.[0]), users: 0, forgotten: false };
      this.#forget(key);
      this.#tables.set(key, table);
      this.#bytes += table.bytes;
      const held = this.#held(table);
      this.#shrink();
      return held;
    } catch (error) {
      this.#drop(sql);
      throw error;
    }
  }

  #held(table: Kept): HeldTable {
    table.users += 1;
    let released = false;
    return {
      sql: table.sql,
      release: () => {
        if (released) return;
        released = true;
        table.users -= 1;
        if (table.forgotten && table.users === 0) this.#drop(table.sql);
      },
    };
  }

  #shrink(): void {
    for (const key of this.#tables.keys()) {
      if (this.#bytes <= this.#maxBytes && this.#tables.size <= this.#maxTables) return;
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    const table = this.#tables.get(key);
    if (table === undefined) return;
    this.#tables.delete(key);
    this.#bytes -= table.bytes;
    table.forgotten = true;
    if (table.users === 0) this.#drop(table.sql);
  }

  /** Nobody waits for it. It fails when the engine is closed, and then the table is gone as well. */
  #drop(sql: string): void {
    this.#engine.query(`DROP TABLE IF EXISTS ${sql}`, { again: false }).catch(() => undefined);
  }

  #ensureSchema(): Promise<unknown> {
    this.#schema ??= this.#engine.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`).catch((error: unknown) => {
      this.#schema = undefined;
      throw error;
    });
    return this.#schema;
  }
}

/** SQL for about how many bytes a value takes. */
function width({ name, type }: Column): string {
  const field = sqlName(name);
  switch (type) {
    case 'string':
    case 'json':
      return `${CELL_BYTES} + coalesce(strlen(${field}), 0)`;
    case 'float[]':
      return `${CELL_BYTES} + 4 * coalesce(len(${field}), 0)`;
    case 'string[]':
    case 'long[]':
      return `${CELL_BYTES} + 2 * coalesce(strlen(${field}::VARCHAR), 0)`;
    default:
      return `${CELL_BYTES}`;
  }
}
