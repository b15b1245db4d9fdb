import { RunningStatement } from '../engine/statement.ts';
import type { ResultColumn, StreamOptions } from '../engine/types.ts';
import type { SandboxedStatement } from '../sandbox.ts';
import { exportable } from './exported-types.ts';

/** The columns of a statement, which is not run. */
async function columnsOf(
  { connection }: SandboxedStatement,
  sql: string,
  options: StreamOptions,
): Promise<readonly ResultColumn[]> {
  const described = await RunningStatement.start(connection, `SELECT * FROM (${sql}\n) LIMIT 0`, options);
  await described.close();
  return described.columns;
}

/** What to run so that all columns can be exported, and the columns that it has. */
export async function exportableStatement(
  sandboxed: SandboxedStatement,
  options: StreamOptions,
): Promise<{ readonly sql: string; readonly columns: readonly ResultColumn[] }> {
  const columns = await columnsOf(sandboxed, sandboxed.sql, options);
  const sql = exportable(columns, sandboxed.sql);
  return sql === sandboxed.sql
    ? { sql, columns }
    : { sql, columns: await columnsOf(sandboxed, sql, options) };
}
