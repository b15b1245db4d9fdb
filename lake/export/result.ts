import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { ChunkStream, LakeSnapshot, PruneCondition, SqlValue, StreamOptions } from '../engine/types.ts';
import type { Lake } from '../lake.ts';
import { arrowIpc } from './arrow/ipc.ts';
import { ExportError, ExportSizeError } from './errors.ts';
import { type ParquetCompression, writeParquet } from './parquet.ts';
import { exportableStatement } from './statement.ts';

/** `arrow` is an IPC file, `arrow-stream` an IPC stream: pipes and sockets take the latter, memory maps the former. */
export const EXPORT_FORMATS = ['arrow', 'arrow-stream', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const FORMATS: Readonly<
  Record<ExportFormat, { readonly extension: string; readonly mediaType: string }>
> = {
  arrow: { extension: 'arrow', mediaType: 'application/vnd.apache.arrow.file' },
  'arrow-stream': { extension: 'arrows', mediaType: 'application/vnd.apache.arrow.stream' },
  parquet: { extension: 'parquet', mediaType: 'application/vnd.apache.parquet' },
};

export interface ExportRequest {
  readonly snapshot: LakeSnapshot;
  /** One SELECT over tables and views. */
  readonly sql: string;
  readonly params?: readonly SqlValue[] | undefined;
  /** What is known of the rows that are wanted, by table. */
  readonly prune?: ReadonlyMap<string, readonly PruneCondition[]> | undefined;
  readonly format: ExportFormat;
  /** Of Parquet only. */
  readonly compression?: ParquetCompression | undefined;
}

export interface ExportOptions extends Omit<StreamOptions, 'params'> {
  /** Most bytes that the export may have. */
  readonly maxExportBytes?: number | undefined;
}

/** What an export was, once all of it has been read. */
export interface ExportSummary {
  readonly rows: number;
  readonly bytes: number;
  /** Of all bytes, in hexadecimal. */
  readonly sha256: string;
}

/** The bytes of an export, made as they are read. Whoever does not read them to their end closes it. */
export interface ExportedResult extends AsyncIterable<Uint8Array> {
  /** After the last byte. @throws TypeError before */
  readonly summary: ExportSummary;
  close(): Promise<void>;
}

/**
 * Runs a statement and gives its rows in a format for files. What is wrong with the statement is thrown here, before there
 * is a byte.
 * @throws SandboxError, ExportError and the errors of queries
 */
export async function exportResult(
  lake: Lake,
  request: ExportRequest,
  options: ExportOptions = {},
): Promise<ExportedResult> {
  const { snapshot, sql, params, prune, format, compression } = request;
  if (compression !== undefined && format !== 'parquet') {
    throw new ExportError(`${format} has no compression here`, {
      remedy: 'leave it out, or ask for Parquet',
    });
  }
  const settings = { ...options, ...(params && { params }), ...(prune && { prune }) };
  if (format === 'parquet') {
    const path = lake.temporaryPath('export.parquet');
    const maxFileBytes = options.maxExportBytes;
    try {
      const { rows } = await writeParquet(lake, snapshot, sql, path, {
        ...settings,
        compression,
        maxFileBytes,
      });
      const file = createReadStream(path);
      const release = async () => {
        file.destroy();
        await rm(path, { force: true });
      };
      return new Counted(file, () => rows, release, options);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }
  const stream = await lake.sandboxedStream(snapshot, sql, {
    ...settings,
    fixedVectors: true,
    rewrite: async (sandboxed) => (await exportableStatement(sandboxed, settings)).sql,
  });
  const counted = countRows(stream);
  const bytes = arrowIpc(counted.chunks, format === 'arrow' ? 'file' : 'stream');
  return new Counted(bytes, counted.rows, () => stream.close(), options);
}

/** Counts rows as they are taken, and fetches the next chunk while one is encoded and leaves. */
function countRows(stream: ChunkStream): { chunks: ChunkStream; rows: () => number } {
  let rows = 0;
  let ahead: ReturnType<ChunkStream['next']> | undefined;
  const next = async () => {
    const chunk = await (ahead ?? stream.next());
    ahead = chunk && stream.next();
    // Its error is for whoever asks for it, which after `close` nobody does.
    ahead?.catch(() => undefined);
    rows += chunk?.rowCount ?? 0;
    return chunk;
  };
  return {
    rows: () => rows,
    chunks: {
      columns: stream.columns,
      next,
      close: () => stream.close(),
      async *[Symbol.asyncIterator]() {
        for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk;
      },
    },
  };
}

/** Counts and hashes what passes. */
class Counted implements ExportedResult {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #rows: () => number;
  readonly #release: () => Promise<void>;
  readonly #maxBytes: number;
  #summary: ExportSummary | undefined;

  constructor(
    source: AsyncIterable<Uint8Array>,
    rows: () => number,
    release: () => Promise<void>,
    { maxExportBytes = Number.POSITIVE_INFINITY }: ExportOptions,
  ) {
    this.#source = source;
    this.#rows = rows;
    this.#release = release;
    this.#maxBytes = maxExportBytes;
  }

  get summary(): ExportSummary {
    if (this.#summary === undefined) throw new TypeError('the export has not been read to its end');
    return this.#summary;
  }

  close(): Promise<void> {
    return this.#release();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const piece of this.#source) {
        bytes += piece.byteLength;
        if (bytes > this.#maxBytes) throw new ExportSizeError(this.#maxBytes);
        hash.update(piece);
        yield piece;
      }
      this.#summary = { rows: this.#rows(), bytes, sha256: hash.digest('hex') };
    } finally {
      await this.#release();
    }
  }
}
