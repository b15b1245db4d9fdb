import duckdb from '@duckdb/node-bindings';
import {
  type Data,
  Field,
  MetadataVersion,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
} from 'apache-arrow';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import type { ChunkStream, ResultColumn } from '../../engine/types.ts';
import { encoderOf } from './columns.ts';

/**
 * `stream`: schema, record batches, an end marker (`application/vnd.apache.arrow.stream`).
 * `file`: the same between magic words, with a footer that says where each batch lies (`application/vnd.apache.arrow.file`).
 * https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 */
export type IpcFormat = 'stream' | 'file';

/** A record batch is written when its columns hold this much… */
const BATCH_BYTES = 4 * 2 ** 20;
/** …or this many rows. */
const BATCH_ROWS = 65_536;

/** Writes rows as Arrow IPC, a batch at a time; of the rows, a batch and a chunk are in memory. */
export async function* arrowIpc(rows: ChunkStream, format: IpcFormat): AsyncGenerator<Uint8Array> {
  const batches = new BatchBuilder(rows.columns);
  const messages = new MessageWriter(format, batches.schema);
  yield* messages.take();
  for await (const chunk of rows) {
    batches.append(chunk.chunk, chunk.rowCount);
    if (batches.byteLength < BATCH_BYTES && batches.rowCount < BATCH_ROWS) continue;
    messages.write(batches.take());
    yield* messages.take();
  }
  if (batches.rowCount > 0) messages.write(batches.take());
  messages.close();
  yield* messages.take();
}

/** The message with the Arrow schema of a result, as the first in an IPC stream. */
export function arrowSchemaMessage(columns: readonly ResultColumn[]): Uint8Array {
  return Buffer.concat([...new MessageWriter('stream', new BatchBuilder(columns).schema).take()]);
}

/** Gathers chunks of DuckDB to record batches. */
class BatchBuilder {
  readonly schema: Schema;
  readonly #encoders;
  #rowCount = 0;

  constructor(columns: readonly ResultColumn[]) {
    this.#encoders = columns.map(({ type }) => encoderOf(type));
    this.schema = new Schema(this.#encoders.map(({ type }, i) => new Field(columns[i]!.name, type, true)));
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  get byteLength(): number {
    return this.#encoders.reduce((sum, encoder) => sum + encoder.byteLength, 0);
  }

  append(chunk: duckdb.DataChunk, rowCount: number): void {
    for (const [i, encoder] of this.#encoders.entries()) {
      encoder.bind(duckdb.data_chunk_get_vector(chunk, i), rowCount)(0, rowCount);
    }
    this.#rowCount += rowCount;
  }

  take(): RecordBatch {
    const type = new Struct(this.schema.fields);
    const children: Data[] = this.#encoders.map((encoder) => encoder.take());
    const data = makeData({ type, length: this.#rowCount, nullCount: 0, children });
    this.#rowCount = 0;
    return new RecordBatch(this.schema, data);
  }
}

/** Pieces below this size are joined with their neighbours. */
const SMALL_PIECE = 16 * 1024;

/** The messages of one stream or file, handed over as they are written instead of queued. */
class MessageWriter extends RecordBatchStreamWriter {
  readonly #format: IpcFormat;
  #pieces: Uint8Array[] = [];

  constructor(format: IpcFormat, schema: Schema) {
    super();
    this.#format = format;
    this.reset(undefined, schema);
  }

  /** What was written since the last time. */
  *take(): Generator<Uint8Array> {
    const pieces = this.#pieces;
    this.#pieces = [];
    let small: Uint8Array[] = [];
    for (const piece of pieces) {
      if (piece.byteLength < SMALL_PIECE) small.push(piece);
      else {
        if (small.length > 0) yield Buffer.concat(small);
        small = [];
        yield piece;
      }
    }
    if (small.length > 0) yield Buffer.concat(small);
  }

  protected override _write(chunk: ArrayBufferView): this {
    const piece = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#pieces.push(piece);
    this._position += piece.byteLength;
    return this;
  }

  protected override _writeSchema(schema: Schema): this {
    if (this.#format === 'file') this._writeMagic()._writePadding(2);
    return super._writeSchema(schema);
  }

  protected override _writeFooter(schema: Schema): this {
    super._writeFooter(schema);
    if (this.#format === 'stream') return this;
    const footer = Footer.encode(new Footer(schema, MetadataVersion.V5, this._recordBatchBlocks, []));
    return this._write(footer)._write(Int32Array.of(footer.byteLength))._writeMagic();
  }
}
