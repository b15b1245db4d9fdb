import { runQuery } from './engine/engine.ts';
import { withPlace } from './engine/error-place.ts';
import { QueryBytesError, TooManyStreamsError } from './engine/errors.ts';
import { sqlName } from './engine/sql-text.ts';
import { RunningStatement } from './engine/statement.ts';
import type {
  ChunkStream,
  LakeSnapshot,
  QueryOptions,
  QueryResult,
  Relation,
  StatementSource,
} from './engine/types.ts';
import type { HeldRelation, Relations } from './relations.ts';
import type { Sandbox, SandboxedStatement, SandboxOptions } from './sandbox.ts';

export interface SandboxedSqlOptions {
  readonly sandbox: Sandbox;
  readonly relations: Relations;
  /** Statements whose rows are being streamed at the same time. */
  readonly maxStreams: number;
}

/** SQL from users over the visible rows of a snapshot: read whole, streamed, or entered by a caller who runs it. */
export class SandboxedSql {
  readonly #sandbox: Sandbox;
  readonly #relations: Relations;
  readonly #maxStreams: number;
  #streams = 0;

  constructor({ sandbox, relations, maxStreams }: SandboxedSqlOptions) {
    this.#sandbox = sandbox;
    this.#relations = relations;
    this.#maxStreams = maxStreams;
  }

  /** What a statement would read. @throws SandboxError */
  sources(sql: string): Promise<readonly StatementSource[]> {
    return this.#sandbox.sources(sql);
  }

  /** The rows of a statement. @throws SandboxError, QueryBytesError, QueryTimeoutError, QueryError */
  async query(snapshot: LakeSnapshot, sql: string, options: QueryOptions): Promise<QueryResult> {
    const sandboxed = await this.enter(snapshot, sql, options);
    try {
      return await runQuery(sandboxed.connection, sandboxed.sql, options);
    } catch (error) {
      throw withPlace(error, sandboxed.sql, sql);
    } finally {
      await sandboxed.leave();
    }
  }

  /** The rows of a statement, a chunk at a time. @throws TooManyStreamsError, SandboxError, QueryBytesError, QueryError */
  async stream(snapshot: LakeSnapshot, sql: string, options: SandboxOptions): Promise<ChunkStream> {
    if (this.#streams >= this.#maxStreams) throw new TooManyStreamsError(this.#maxStreams);
    this.#streams += 1;
    let sandboxed: SandboxedStatement | undefined;
    const end = async () => {
      this.#streams -= 1;
      await sandboxed?.leave();
    };
    try {
      sandboxed = await this.enter(snapshot, sql, options);
      const statement = (await options.rewrite?.(sandboxed)) ?? sandboxed.sql;
      return await RunningStatement.start(sandboxed.connection, statement, options, end);
    } catch (error) {
      await end();
      throw error;
    }
  }

  /**
   * A connection on which a statement over a snapshot can run, and nothing else; the caller leaves it.
   * @throws SandboxError, QueryBytesError
   */
  enter(snapshot: LakeSnapshot, sql: string, options: SandboxOptions): Promise<SandboxedStatement> {
    const { prune: known, fixedVectors = false } = options;
    return this.#sandbox.enter(sql, async (found) => {
      const sources = found.map(({ table, prune }) => ({
        table,
        prune: [...prune, ...(known?.get(table) ?? [])],
      }));
      await this.#limitBytes(snapshot, sources, options);
      const relations = await this.#hold(snapshot, sources, options);
      return fixedVectors ? relations.map(withFixedVectors) : relations;
    });
  }

  async #limitBytes(
    snapshot: LakeSnapshot,
    sources: readonly StatementSource[],
    options: SandboxOptions,
  ): Promise<void> {
    const { maxBytes, onSizes } = options;
    if (maxBytes === undefined) return;
    const sizes = await Promise.all(
      sources.map(({ table, prune }) => this.#relations.size(snapshot, table, prune, options)),
    );
    const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
    if (bytes > maxBytes) throw new QueryBytesError(bytes, maxBytes);
    onSizes?.(sizes);
  }

  /** All of the sources, or none. */
  async #hold(
    snapshot: LakeSnapshot,
    sources: readonly StatementSource[],
    options: SandboxOptions,
  ): Promise<HeldRelation[]> {
    const held = await Promise.allSettled(
      sources.map(({ table, prune }) => this.#relations.held(snapshot, table, prune, options)),
    );
    const failed = held.find((result) => result.status === 'rejected');
    const relations = held.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    if (failed === undefined) return relations;
    for (const relation of relations) relation.release();
    throw failed.reason;
  }
}

/** Lists of one length as arrays of it. */
function withFixedVectors(relation: HeldRelation): Relation {
  if (relation.lengths.size === 0) return relation;
  const arrays = [...relation.lengths].map(
    ([column, length]) => `${sqlName(column)}::FLOAT[${length}] AS ${sqlName(column)}`,
  );
  return { ...relation, sql: `(SELECT * REPLACE (${arrays.join(', ')}) FROM ${relation.sql})` };
}
