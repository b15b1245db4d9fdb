import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import type { ChunkStream } from '../../../lake/engine/types.ts';
import { pgType } from '../../catalog/pg-types.ts';
import type { Backend, FieldDescription } from '../protocol/backend.ts';
import type { FormatCode } from '../protocol/frontend.ts';
import type { Output } from '../protocol/output.ts';
import { WireError } from '../protocol/sqlstate.ts';
import type { Codec } from '../types/codecs.ts';

export interface ResultField {
  readonly name: string;
  readonly codec: Codec;
}

/** Some rows of a result. */
export interface Batch {
  readonly count: number;
  value(row: number, column: number): DuckDBValue;
}

/** Where the rows of a result come from. */
export interface RowSource {
  readonly fields: readonly ResultField[];
  next(): Promise<Batch | undefined>;
  close(): Promise<void>;
}

/** The rows of a running statement. */
export function chunkSource(stream: ChunkStream, fields: readonly ResultField[]): RowSource {
  return {
    fields,
    async next() {
      const chunk = await stream.next();
      return chunk === undefined ? undefined : chunkBatch(chunk, fields.length);
    },
    close: () => stream.close(),
  };
}

function chunkBatch(chunk: DuckDBDataChunk, columns: number): Batch {
  const vectors = Array.from({ length: columns }, (_, i) => chunk.getColumnVector(i));
  return { count: chunk.rowCount, value: (row, column) => vectors[column]?.getItem(row) ?? null };
}

const TEXT: Codec = {
  type: pgType('text'),
  modifier: -1,
  text: String,
  binary: (value, out) => out.text(String(value)),
};

/** Rows of texts that are there already. */
export function textSource(
  names: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): RowSource {
  let left = rows.length > 0;
  return {
    fields: names.map((name) => ({ name, codec: TEXT })),
    async next() {
      if (!left) return undefined;
      left = false;
      return { count: rows.length, value: (row, column) => rows[row]?.[column] ?? null };
    },
    close: async () => undefined,
  };
}

export function fieldDescriptions(
  fields: readonly ResultField[],
  formats: readonly FormatCode[],
): FieldDescription[] {
  return fields.map(({ name, codec }, i) => ({
    name,
    typeOid: codec.type.oid,
    typeLength: codec.type.length,
    typeModifier: codec.modifier,
    format: formatOf(formats, i),
  }));
}

/** No format means text, one is for all columns. */
export function formatOf(formats: readonly FormatCode[], column: number): FormatCode {
  return (formats.length === 1 ? formats[0] : formats[column]) ?? 0;
}

/** Bytes after which rows are handed to the socket. */
const BATCH_BYTES = 1 << 16;

/** Writes rows of a batch as one kind of message, and flushes now and then. */
export type RowWriter = (batch: Batch, row: number) => void;

/** DataRow messages. */
export function dataRows(
  backend: Backend,
  fields: readonly ResultField[],
  formats: readonly FormatCode[],
): RowWriter {
  const { out } = backend;
  const encoders = fields.map(({ codec }, i) => encoder(codec, formatOf(formats, i)));
  return (batch, row) => {
    out.uint8(0x44);
    const start = out.reserve(4);
    out.uint16(encoders.length);
    for (let column = 0; column < encoders.length; column++) {
      const value = batch.value(row, column);
      if (value === null) out.int32(-1);
      else {
        const at = out.reserve(4);
        encoders[column]?.(value, out);
        out.setInt32(at, out.length - at - 4);
      }
    }
    out.setInt32(start, out.length - start);
  };
}

function encoder(codec: Codec, format: FormatCode): (value: DuckDBValue, out: Output) => void {
  return format === 1 ? codec.binary : (value, out) => out.text(codec.text(value));
}

/** A place in the rows of a source, from which some rows at a time are written. */
export class RowCursor {
  readonly source: RowSource;
  #batch: Batch | undefined;
  #row = 0;
  #ended = false;

  constructor(source: RowSource) {
    this.source = source;
  }

  /**
   * Writes up to `limit` rows (0 for all of them) and answers how many they were, and whether that was all.
   */
  async write(
    limit: number,
    writer: RowWriter,
    out: Output,
    flush: () => Promise<void>,
  ): Promise<{ rows: number; ended: boolean }> {
    let rows = 0;
    while (!this.#ended) {
      if (this.#batch === undefined || this.#row >= this.#batch.count) {
        this.#batch = await this.source.next();
        this.#row = 0;
        if (this.#batch === undefined) {
          this.#ended = true;
          break;
        }
        continue;
      }
      // As PostgreSQL does, a portal that gave exactly what was asked for is suspended: it has not looked further.
      if (limit > 0 && rows >= limit) return { rows, ended: false };
      writer(this.#batch, this.#row++);
      rows++;
      if (out.length >= BATCH_BYTES) await flush();
      if (limit > 0 && rows >= limit) return { rows, ended: false };
    }
    return { rows, ended: true };
  }

  close(): Promise<void> {
    this.#ended = true;
    return this.source.close();
  }
}

/** Rows must be what the client was told they would be. @throws WireError */
export function ensureSame(described: readonly ResultField[], actual: readonly ResultField[]): void {
  for (const [i, { name, codec }] of actual.entries()) {
    const told = described[i]?.codec.type;
    if (told?.oid === codec.type.oid) continue;
    throw new WireError(
      'featureNotSupported',
      `column "${name}" is ${codec.type.name} with these parameters`,
      {
        expected: `${told?.name ?? 'no column'}, as it was described`,
        remedy: 'cast the parameters, as in $1::int',
      },
    );
  }
}
