import { basename } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { decodeChunk } from '../engine/decode.ts';
import { sqlString } from '../engine/sql-text.ts';
import type { TableSpec } from '../tables/schema.ts';

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

const returnedStats = z.object({
  count: z.bigint().transform(Number),
  file_size_bytes: z.bigint().transform(Number),
  column_statistics: z.record(z.string(), z.record(z.string(), z.string())),
});

/**
 * Writes the rows of a SELECT as one Parquet file in the encoding that `spec` asks for: zstd everywhere;
 * Parquet 2 encodings, of which BYTE_STREAM_SPLIT is one, only for tables of vectors, because older readers of
 * other engines know only version 1 (docs/decisions). No Bloom filters where there are doubles (docs/decisions/271).
 */
export async function copyToParquet(
  connection: DuckDBConnection,
  select: string,
  spec: TableSpec,
  path: string,
): Promise<CopiedFile> {
  const version = spec.byteStreamSplit === undefined ? 'v1' : 'v2';
  const blooms = spec.columns.every(({ type }) => type !== 'double');
  const result = await connection.run(
    `COPY (${select}) TO ${sqlString(path)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ` +
      `PARQUET_VERSION ${version}, ROW_GROUP_SIZE ${spec.rowGroupSize}, WRITE_BLOOM_FILTER ${blooms}, RETURN_STATS)`,
  );
  const chunk = await result.fetchChunk();
  const [row = []] = chunk === null ? [] : decodeChunk(chunk, result.columnTypes());
  const stats = returnedStats.parse(
    Object.fromEntries(result.columnNames().map((name, i) => [name, row[i]])),
  );
  return {
    path,
    name: basename(path),
    rows: stats.count,
    bytes: stats.file_size_bytes,
    columnStats: stats.column_statistics,
  };
}
