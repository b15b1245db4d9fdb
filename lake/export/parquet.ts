import { stat } from 'node:fs/promises';
import { runQuery } from '../engine/engine.ts';
import { sqlString } from '../engine/sql-text.ts';
import type { LakeSnapshot } from '../engine/types.ts';
import type { Lake } from '../lake.ts';
import type { SandboxOptions } from '../sandbox.ts';
import { arrowSchemaMessage } from './arrow/ipc.ts';
import { ExportSizeError } from './errors.ts';
import { exportable } from './exported-types.ts';
import { exportableStatement } from './statement.ts';

export const PARQUET_COMPRESSIONS = ['zstd', 'snappy', 'gzip', 'lz4_raw', 'uncompressed'] as const;
export type ParquetCompression = (typeof PARQUET_COMPRESSIONS)[number];

export interface ParquetOptions extends SandboxOptions {
  /** Default zstd. */
  readonly compression?: ParquetCompression | undefined;
  /** Most bytes that the file may have. */
  readonly maxFileBytes?: number | undefined;
}

const LOOK_MS = 200;

/**
 * Writes the rows of a statement into a local Parquet file; the caller deletes it, also after an error.
 * Parquet has no lists of fixed size: the Arrow schema beside its own says which ones are (`ARROW:schema`), as pyarrow and
 * Polars write and read it.
 * @param path in the lake's directory for temporary files
 * @throws ExportSizeError, SandboxError and the errors of queries
 */
export async function writeParquet(
  lake: Lake,
  snapshot: LakeSnapshot,
  sql: string,
  path: string,
  options: ParquetOptions = {},
): Promise<{ readonly rows: number; readonly bytes: number }> {
  const { compression = 'zstd', maxFileBytes = Number.POSITIVE_INFINITY } = options;
  const sandboxed = await lake.enterSandbox(snapshot, sql, { ...options, fixedVectors: true });
  const watch = new AbortController();
  const signal =
    options.signal === undefined ? watch.signal : AbortSignal.any([options.signal, watch.signal]);
  const timer = setInterval(async () => {
    const size = (await stat(path).catch(() => undefined))?.size ?? 0;
    if (size > maxFileBytes) watch.abort(new ExportSizeError(maxFileBytes));
  }, LOOK_MS);
  try {
    const statement = await exportableStatement(sandboxed, { ...options, signal });
    const schema = Buffer.from(arrowSchemaMessage(statement.columns)).toString('base64');
    // An array that is null DuckDB writes in a way that other readers refuse; a list is one.
    const lists = exportable(statement.columns, statement.sql, 'lists');
    const copy =
      `COPY (${lists}\n) TO ${sqlString(path)} (FORMAT parquet, COMPRESSION ${compression}, WRITE_BLOOM_FILTER false, ` +
      `KV_METADATA {'ARROW:schema': ${sqlString(schema)}})`;
    const { rows } = await runQuery(sandboxed.connection, copy, { ...options, signal });
    const { size } = await stat(path);
    if (size > maxFileBytes) throw new ExportSizeError(maxFileBytes);
    return { rows: Number(rows[0]?.[0] ?? 0), bytes: size };
  } catch (error) {
    throw watch.signal.aborted ? watch.signal.reason : error;
  } finally {
    clearInterval(timer);
    await sandboxed.leave();
  }
}
