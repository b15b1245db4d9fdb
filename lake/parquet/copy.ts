import { basename } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import type { TableSpec } from '../tables/schema.ts';
import { sqlString } from './file-name.ts';

/** DuckDB's own account of a column of a file it has written: texts, keyed by statistic (`min`, `max`, `null_count`, …). */
export type CopiedColumnStats = Readonly<Record<string, string>>;

/** A Parquet file on local disk, not yet part of any table. */
export interface CopiedFile {
  readonly path: string;
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  /** By column path as DuckDB prints it, e.g. `"run_id"` or `"vector"."element"`. */
  readonly columnStats: Readonly<Record<string, CopiedColumnStats>>;
}

/** DuckDB prints a MAP as a list of entries. */
function toRecord<V>(entries: readonly { key: string; value: V }[]): Record<string, V> {
  return Object.fromEntries(entries.map((e) => [e.key, e.value]));
}

const columnStatistics = z
  .array(z.object({ key: z.string(), value: z.string() }))
  .transform(toRecord<string>);
const returnedStats = z.object({
  filename: z.string(),
  count: z.coerce.number(),
  file_size_bytes: z.coerce.number(),
  column_statistics: z
    .array(z.object({ key: z.string(), value: columnStatistics }))
    .transform(toRecord<Record<string, string>>),
});

/**
 * Writes the rows of a SELECT as one Parquet file in the encoding that `spec` asks for: zstd everywhere;
 * Parquet 2 encodings, of which BYTE_STREAM_SPLIT is one, only for tables of vectors, because older readers of
 * other engines know only version 1 (docs/decisions).
 */
export async function copyToParquet(
  connection: DuckDBConnection,
  select: string,
  spec: TableSpec,
  path: string,
): Promise<CopiedFile> {
  const version = spec.byteStreamSplit === undefined ? 'v1' : 'v2';
  const reader = await connection.runAndReadAll(
    `COPY (${select}) TO ${sqlString(path)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ` +
      `PARQUET_VERSION ${version}, ROW_GROUP_SIZE ${spec.rowGroupSize}, RETURN_STATS)`,
  );
  const stats = returnedStats.parse(reader.getRowObjectsJson()[0]);
  return {
    path,
    name: basename(path),
    rows: stats.count,
    bytes: stats.file_size_bytes,
    columnStats: stats.column_statistics,
  };
}
