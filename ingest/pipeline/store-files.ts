import type { DuckDBConnection } from '@duckdb/node-api';
import type { CopiedFile } from '../../lake/parquet/copy.ts';
import { Staging } from '../../lake/parquet/staging.ts';
import type { VectorBatch } from '../../lake/parquet/vectors/batch.ts';
import { VectorWriter } from '../../lake/parquet/vectors/writer.ts';
import { ACTIVATIONS } from '../../lake/tables/tables.ts';
import type { IngestedFile, LakeWriter } from '../../lake/writer.ts';

/** Tag of a data file of a store: entries of the store that were consumed when it was written. */
export const ENTRIES_TAG = 'runlake.entries';
/** Tag of a data file of a store: its position among the files of the ingest, from 0. */
export const CHUNK_TAG = 'runlake.chunk';

/**
 * The files of one store. While one is being encoded and committed, the next is collected: decoding and encoding use a
 * core each. Commits keep the order of the entries. Memory: a file being encoded, one waiting, one being collected.
 */
export class StoreFiles {
  readonly tokens: Staging;
  /** Files that were cut off, those of an earlier ingest included. */
  chunk: number;
  /** Rows that are committed, those of an earlier ingest included. */
  rows: number;
  readonly #writer: LakeWriter;
  readonly #ingestId: string;
  readonly #signal: AbortSignal | undefined;
  readonly #connection: DuckDBConnection;
  readonly #vectors: VectorWriter;
  /** The file before the one that is collected: encoded and committed once this resolves. */
  #previous: Promise<void> = Promise.resolve();
  #encoding: Promise<unknown> = Promise.resolve();

  static async open(
    writer: LakeWriter,
    storeId: string,
    ingestId: string,
    from: { readonly chunks: number; readonly rows: number },
    {
      fileBytes,
      signal,
    }: { readonly fileBytes?: number | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<StoreFiles> {
    return new StoreFiles(writer, await writer.connect(), { storeId, ingestId, fileBytes, signal, ...from });
  }

  private constructor(
    writer: LakeWriter,
    connection: DuckDBConnection,
    options: {
      readonly storeId: string;
      readonly ingestId: string;
      readonly fileBytes?: number | undefined;
      readonly signal?: AbortSignal | undefined;
      readonly chunks: number;
      readonly rows: number;
    },
  ) {
    const { storeId, ingestId, fileBytes, signal, chunks, rows } = options;
    this.#writer = writer;
    this.#ingestId = ingestId;
    this.#signal = signal;
    this.#connection = connection;
    this.tokens = new Staging(connection, writer.directory);
    this.#vectors = new VectorWriter(writer.vectors, writer.directory, { storeId, ingestId, fileBytes });
    this.chunk = chunks;
    this.rows = rows;
  }

  /** True once enough is collected for a file. */
  add(batch: VectorBatch): boolean {
    return this.#vectors.add(batch);
  }

  /** Ends the file that holds everything up to so many entries, and goes on collecting while it is encoded. */
  async cut(entries: number): Promise<void> {
    const tokens = tokenFiles(await this.tokens.write(), this.#ingestId);
    const encoded = this.#vectors.write();
    this.#encoding = encoded.catch(() => {});
    await this.#previous;
    const chunk = this.chunk;
    this.chunk += 1;
    this.#previous = encoded.then((file) => this.#commit(file, tokens, chunk, entries));
    // It is awaited, and so reported, with the next file or at the end.
    this.#previous.catch(() => {});
  }

  /** Ends the last file, if anything is in it, and waits until everything is committed. */
  async finish(entries: number): Promise<void> {
    const file = await this.#vectors.write();
    const tokens = tokenFiles(await this.tokens.write(), this.#ingestId);
    await this.#previous;
    await this.#commit(file, tokens, this.chunk, entries);
    if (file !== undefined) this.chunk += 1;
  }

  async close(): Promise<void> {
    // What is being encoded ends before its folder is removed.
    await Promise.allSettled([this.#previous, this.#encoding]);
    this.#connection.closeSync();
  }

  async #commit(
    file: CopiedFile | undefined,
    tokens: readonly IngestedFile[],
    chunk: number,
    entries: number,
  ): Promise<void> {
    const tags = { [CHUNK_TAG]: String(chunk), [ENTRIES_TAG]: String(entries) };
    const ingests = [this.#ingestId];
    // Vectors last: what is done is read off their table.
    const files = file === undefined ? tokens : [...tokens, { table: ACTIVATIONS.name, file, ingests, tags }];
    const txn = { appId: this.#ingestId, version: chunk };
    await this.#writer.append(files, { signal: this.#signal, txn });
    this.rows += file?.rows ?? 0;
  }
}

function tokenFiles(files: ReadonlyMap<string, CopiedFile>, ingestId: string): IngestedFile[] {
  return [...files].map(([table, file]) => ({ table, file, ingests: [ingestId] }));
}
