import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';

/** Statements that a connection keeps. */
const MAX_STATEMENTS = 32;
/** Longer texts name thousands of files: they are seldom the same twice, and what is kept of them is large. */
const MAX_TEXT = 65_536;

/** In the order of their last use. */
const kept = new WeakMap<DuckDBConnection, Map<string, DuckDBPreparedStatement>>();

/**
 * A statement of a connection, parsed and planned once for as long as its text comes again: half of the time of a page of runs.
 * DuckDB plans anew when something else than values has changed. Nothing else may run on the connection meanwhile.
 * @returns undefined for a text that is not worth it
 */
export async function preparedStatement(
  connection: DuckDBConnection,
  sql: string,
): Promise<DuckDBPreparedStatement | undefined> {
  if (sql.length > MAX_TEXT) return undefined;
  let statements = kept.get(connection);
  if (statements === undefined) {
    statements = new Map();
    kept.set(connection, statements);
  }
  const statement = statements.get(sql) ?? (await connection.prepare(sql));
  statements.delete(sql);
  statements.set(sql, statement);
  for (const [text, oldest] of statements) {
    if (statements.size <= MAX_STATEMENTS) break;
    statements.delete(text);
    oldest.destroySync();
  }
  return statement;
}

/** Forgets a statement that failed. */
export function forgetPrepared(connection: DuckDBConnection, sql: string): void {
  kept.get(connection)?.get(sql)?.destroySync();
  kept.get(connection)?.delete(sql);
}
